package org.kithlm.model.config;

import java.util.LinkedHashMap;
import java.util.Map;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.weight.TensorRole;

/** Which tensors a model consists of, by their GGUF names, and their shapes. */
public final class ModelTensors {
  /** The embedding matrix [vocabulary x hidden]. */
  public static final String TOKEN_EMBEDDING = "token_embd.weight";

  /** The output head [vocabulary x hidden]; missing where it is the embedding matrix. */
  public static final String OUTPUT = "output.weight";

  /** The final norm [hidden]. */
  public static final String OUTPUT_NORM = "output_norm.weight";

  /** Optional divisors of the rotary frequencies [rope dimensions / 2]. */
  public static final String ROPE_FREQS = "rope_freqs.weight";

  private ModelTensors() {}

  /** Name of a tensor of one layer, e.g. {@code blk.3.attn_norm.weight}. */
  public static String layerTensor(int layer, String suffix) {
    return "blk." + layer + "." + suffix;
  }

  /**
   * Name of a split matrix.
   *
   * @param layer not used for the LM head
   */
  public static String matrix(ModelConfig config, TensorRole role, int layer) {
    return switch (role) {
      case ATTN_Q -> layerTensor(layer, "attn_q.weight");
      case ATTN_K -> layerTensor(layer, "attn_k.weight");
      case ATTN_V -> layerTensor(layer, "attn_v.weight");
      case ATTN_OUTPUT -> layerTensor(layer, "attn_output.weight");
      case FFN_GATE -> layerTensor(layer, "ffn_gate.weight");
      case FFN_UP -> layerTensor(layer, "ffn_up.weight");
      case FFN_DOWN -> layerTensor(layer, "ffn_down.weight");
      case LM_HEAD -> config.tiedEmbedding() ? TOKEN_EMBEDDING : OUTPUT;
    };
  }

  /** Rows of a whole split matrix. */
  public static int rows(ModelConfig config, TensorRole role) {
    return switch (role) {
      case ATTN_Q -> config.headCount() * config.headDim();
      case ATTN_K, ATTN_V -> config.kvHeadCount() * config.headDim();
      case ATTN_OUTPUT, FFN_DOWN -> config.hiddenSize();
      case FFN_GATE, FFN_UP -> config.ffnSize();
      case LM_HEAD -> config.vocabularySize();
    };
  }

  /** Columns of a whole split matrix. */
  public static int columns(ModelConfig config, TensorRole role) {
    return switch (role) {
      case ATTN_Q, ATTN_K, ATTN_V, FFN_GATE, FFN_UP, LM_HEAD -> config.hiddenSize();
      case ATTN_OUTPUT -> config.headCount() * config.headDim();
      case FFN_DOWN -> config.ffnSize();
    };
  }

  /**
   * Names and lengths of the vectors that every rank holds whole (norms, biases), in layer order.
   */
  public static Map<String, Integer> vectors(ModelConfig config) {
    Map<String, Integer> vectors = new LinkedHashMap<>();
    int hidden = config.hiddenSize();
    for (int layer = 0; layer < config.layerCount(); layer++) {
      vectors.put(layerTensor(layer, "attn_norm.weight"), hidden);
      vectors.put(layerTensor(layer, "ffn_norm.weight"), hidden);
      if (config.architecture() == Architecture.QWEN2) {
        int kvWidth = rows(config, TensorRole.ATTN_K);
        vectors.put(layerTensor(layer, "attn_q.bias"), rows(config, TensorRole.ATTN_Q));
        vectors.put(layerTensor(layer, "attn_k.bias"), kvWidth);
        vectors.put(layerTensor(layer, "attn_v.bias"), kvWidth);
      }
      if (config.architecture() == Architecture.GEMMA3) {
        vectors.put(layerTensor(layer, "attn_q_norm.weight"), config.headDim());
        vectors.put(layerTensor(layer, "attn_k_norm.weight"), config.headDim());
        vectors.put(layerTensor(layer, "post_attention_norm.weight"), hidden);
        vectors.put(layerTensor(layer, "post_ffw_norm.weight"), hidden);
      }
    }
    vectors.put(OUTPUT_NORM, hidden);
    return vectors;
  }
}
