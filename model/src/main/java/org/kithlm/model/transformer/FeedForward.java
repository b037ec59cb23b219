package org.kithlm.model.transformer;

import java.util.Arrays;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.kernel.GatedActivation;
import org.kithlm.model.kernel.TermSums;
import org.kithlm.model.weight.TensorRole;

/** The FFN block of one rank: its inner columns, up to its partial sum of the output. */
final class FeedForward {
  private final ModelConfig config;
  private final ShardMatrices matrices;
  private final float[] gate;
  private final float[] up;

  FeedForward(ModelConfig config, ShardMatrices matrices, int tokensMax) {
    this.config = config;
    this.matrices = matrices;
    gate = new float[tokensMax * matrices.rowCount(TensorRole.FFN_GATE)];
    up = new float[tokensMax * matrices.rowCount(TensorRole.FFN_UP)];
  }

  /**
   * Computes a layer.
   *
   * @param x normalised hidden states [tokenCount x hidden]
   * @param partial zeros [tokenCount x hidden], to which this rank's share is added
   */
  void addPartial(int layer, float[] x, int tokenCount, TermSums partial) {
    int used = tokenCount * matrices.rowCount(TensorRole.FFN_GATE);
    if (used == 0) {
      return; // this rank has no columns
    }
    Arrays.fill(gate, 0, used, 0);
    Arrays.fill(up, 0, used, 0);
    matrices.input(x, tokenCount, matrices.columnCount(TensorRole.FFN_GATE));
    matrices.addProduct(layer, TensorRole.FFN_GATE, gate);
    matrices.addProduct(layer, TensorRole.FFN_UP, up);
    matrices.complete();
    switch (config.activation()) {
      case SILU -> GatedActivation.silu(gate, up, used);
      case GELU_TANH -> GatedActivation.geluTanh(gate, up, used);
    }
    matrices.input(gate, tokenCount, matrices.columnCount(TensorRole.FFN_DOWN));
    matrices.addPartialSums(layer, TensorRole.FFN_DOWN, partial);
    matrices.complete();
  }
}
