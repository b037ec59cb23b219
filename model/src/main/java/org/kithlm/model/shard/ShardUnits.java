package org.kithlm.model.shard;

import java.util.Collection;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.gguf.GgmlType;

/**
 * The smallest parts of a model that a rank can hold. A unit's columns of attn_output and ffn_down
 * are whole quant blocks in every layer, so that no block is cut.
 *
 * @param headCount query heads of the model
 * @param headsPerUnit query heads of one attention unit, a divisor of {@code headCount}
 * @param ffnSize columns of ffn_down
 * @param ffnColumnsPerUnit columns of one FFN unit; the last unit may be shorter
 */
public record ShardUnits(int headCount, int headsPerUnit, int ffnSize, int ffnColumnsPerUnit) {
  /** Fewer columns would cost more in short rows than a finer split gains. */
  private static final int FFN_COLUMNS_MIN = 32;

  /** Checks the divisions named above. */
  public ShardUnits {
    if (headsPerUnit < 1 || headCount < headsPerUnit || headCount % headsPerUnit != 0) {
      throw new IllegalArgumentException(
          "headsPerUnit=" + headsPerUnit + " does not divide headCount=" + headCount);
    }
    if (ffnColumnsPerUnit < 1 || ffnSize < ffnColumnsPerUnit) {
      throw new IllegalArgumentException(
          "ffnColumnsPerUnit=" + ffnColumnsPerUnit + " ffnSize=" + ffnSize);
    }
  }

  /**
   * The units of a model.
   *
   * @param attentionOutputTypes element types of attn_output, over all layers
   * @param ffnDownTypes element types of ffn_down, over all layers
   * @throws IllegalArgumentException if a whole matrix is not whole blocks
   */
  public static ShardUnits of(
      ModelConfig config,
      Collection<GgmlType> attentionOutputTypes,
      Collection<GgmlType> ffnDownTypes) {
    return new ShardUnits(
        config.headCount(),
        headsPerUnit(config, blockLength(attentionOutputTypes)),
        config.ffnSize(),
        ffnColumnsPerUnit(config.ffnSize(), blockLength(ffnDownTypes)));
  }

  /** Number of attention units. */
  public int attentionUnitCount() {
    return headCount / headsPerUnit;
  }

  /** Number of FFN units. */
  public int ffnUnitCount() {
    return Math.ceilDiv(ffnSize, ffnColumnsPerUnit);
  }

  /** Block lengths are powers of two, so the longest is a multiple of all. */
  private static int blockLength(Collection<GgmlType> types) {
    return types.stream().mapToInt(GgmlType::blockLength).max().orElse(1);
  }

  private static int headsPerUnit(ModelConfig config, int blockLength) {
    requireWholeBlocks("attn_output", config.headCount() * config.headDim(), blockLength);
    int heads = 1;
    while (heads * config.headDim() % blockLength != 0) {
      heads++;
    }
    return heads; // divides headCount, as all heads together are whole blocks too
  }

  private static int ffnColumnsPerUnit(int ffnSize, int blockLength) {
    requireWholeBlocks("ffn_down", ffnSize, blockLength);
    return Math.min(ffnSize, Math.max(blockLength, FFN_COLUMNS_MIN));
  }

  private static void requireWholeBlocks(String tensor, int columns, int blockLength) {
    if (columns % blockLength != 0) {
      throw new IllegalArgumentException(
          tensor + " has " + columns + " columns, not whole blocks of " + blockLength);
    }
  }
}
