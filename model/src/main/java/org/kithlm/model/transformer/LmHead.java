package org.kithlm.model.transformer;

import java.util.Arrays;
import java.util.Map;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelTensors;
import org.kithlm.model.kernel.RmsNorm;
import org.kithlm.model.kernel.Workers;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.weight.ShardLayout;
import org.kithlm.model.weight.TensorRole;
import org.kithlm.model.weight.WeightSource;

/**
 * The final norm and a rank's rows of the output head: hidden states to logits. Acquires and
 * releases the head's tiles, which end the cycle, once each. Owned by the rank's compute thread.
 */
public final class LmHead {
  private final ModelConfig config;
  private final int rows;
  private final ShardMatrices matrices;
  private final float[] norm;
  private final float[] normed;

  /**
   * The rows of a rank, which has some.
   *
   * @param shard which rows
   * @param layout the rank's tiles, those of the head among them
   * @param commonTensors by GGUF name
   * @param workers share the work
   * @throws IllegalArgumentException if tiles or tensors do not fit the model
   */
  public LmHead(
      ModelConfig config,
      RankShard shard,
      ShardLayout layout,
      Map<String, float[]> commonTensors,
      WeightSource weights,
      Workers workers) {
    this.config = config;
    rows = shard.logitCount();
    matrices = new ShardMatrices(config, headOnly(shard), layout, weights, workers, StepRuns.MAX);
    matrices.requireComplete(config.layerCount(), TensorRole.LM_HEAD);
    norm = new CommonTensors(commonTensors).require(ModelTensors.OUTPUT_NORM, config.hiddenSize());
    normed = new float[StepRuns.MAX * config.hiddenSize()];
  }

  /** Of the layers it needs nothing, and no room for their inputs. */
  private static RankShard headOnly(RankShard shard) {
    return new RankShard(
        0, 1, 0, 0, 0, 0, 0, 0, shard.firstLogit(), shard.logitCount(), AttentionPlacement.SPLIT);
  }

  /**
   * Computes the logits of this rank's rows after the last token of each run of a step.
   *
   * @param hidden states after {@link ForwardPass#forward}; not changed
   * @param logits replaced; [runs x rows]
   */
  public void logits(float[] hidden, StepRuns runs, float[] logits) {
    int width = config.hiddenSize();
    for (int run = 0; run < runs.count(); run++) {
      int lastToken = runs.firstToken(run) + runs.tokenCount(run) - 1;
      RmsNorm.normalize(
          hidden, lastToken * width, norm, config.rmsEpsilon(), normed, run * width, width);
    }
    int length = runs.count() * rows;
    Arrays.fill(logits, 0, length, 0);
    matrices.input(normed, runs.count(), width);
    matrices.addProduct(config.layerCount(), TensorRole.LM_HEAD, logits);
    matrices.complete();
    if (config.logitSoftcap() > 0) {
      Softcap.apply(logits, 0, length, config.logitSoftcap());
    }
  }
}
