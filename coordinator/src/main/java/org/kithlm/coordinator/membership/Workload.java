package org.kithlm.coordinator.membership;

import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.HeadPlacement;

/**
 * What a model asks of devices, for plans. Bytes.
 *
 * @param weightType element type of most of its weights, as GGUF names it
 * @param layerCount its layers
 * @param attentionBytes weights of attention in all layers
 * @param ffnBytes weights of the FFN in all layers
 * @param headBytes weights of the output head
 * @param head who has them
 * @param kvBytes keys and values of the whole context
 * @param processBytes what a process needs beside its Java heap, keys, values and weights
 */
public record Workload(
    String weightType,
    int layerCount,
    long attentionBytes,
    long ffnBytes,
    long headBytes,
    HeadPlacement head,
    long kvBytes,
    long processBytes) {

  /** Weights that devices share. */
  long sharedBytes(AttentionPlacement attention) {
    return (attention == AttentionPlacement.SPLIT ? attentionBytes : 0)
        + ffnBytes
        + (head == HeadPlacement.SPLIT ? headBytes : 0);
  }

  /** Weights that the root has beside its share. */
  long rootBytes() {
    return head == HeadPlacement.ROOT ? headBytes : 0;
  }

  /** Weights that each device has, whatever its share is. */
  long repeatedBytes(AttentionPlacement attention) {
    return attention == AttentionPlacement.SPLIT ? 0 : attentionBytes;
  }

  /** Keys and values that devices share. */
  long sharedKvBytes(AttentionPlacement attention) {
    return attention == AttentionPlacement.SPLIT ? kvBytes : 0;
  }

  /** Keys and values that each device has. */
  long repeatedKvBytes(AttentionPlacement attention) {
    return kvBytes - sharedKvBytes(attention);
  }

  /** Sums over the ranks that a token needs. */
  int sums(AttentionPlacement attention) {
    return attention == AttentionPlacement.SPLIT ? 2 * layerCount : layerCount;
  }
}
