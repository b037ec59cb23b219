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
 * The final norm and the output head: hidden states to logits. Acquires and releases the head's
 * tiles, which end the cycle, once each. Owned by the root's compute thread.
 */
public final class LmHead {
  /** The head is not split; of the layers it needs nothing. */
  private static final RankShard HEAD_ONLY =
      new RankShard(0, 1, 0, 0, 0, 0, 0, 0, true, AttentionPlacement.SPLIT);

  private final ModelConfig config;
  private final ShardMatrices matrices;
  private final float[] norm;
  private final float[] normed;

  /**
   * The head, on the rank that holds all of it.
   *
   * @param layout the rank's tiles, those of the head among them
   * @param commonTensors by GGUF name
   * @param workers share the work
   * @throws IllegalArgumentException if tiles or tensors do not fit the model
   */
  public LmHead(
      ModelConfig config,
      ShardLayout layout,
      Map<String, float[]> commonTensors,
      WeightSource weights,
      Workers workers) {
    this.config = config;
    matrices = new ShardMatrices(config, HEAD_ONLY, layout, weights, workers, StepRuns.MAX);
    matrices.requireComplete(config.layerCount(), TensorRole.LM_HEAD);
    norm = new CommonTensors(commonTensors).require(ModelTensors.OUTPUT_NORM, config.hiddenSize());
    normed = new float[StepRuns.MAX * config.hiddenSize()];
  }

  /**
   * Computes the logits after the last token of each run of a step.
   *
   * @param hidden states after {@link ForwardPass#forward}; not changed
   * @param logits replaced; [runs x vocabulary]
   */
  public void logits(float[] hidden, StepRuns runs, float[] logits) {
    int width = config.hiddenSize();
    for (int run = 0; run < runs.count(); run++) {
      int lastToken = runs.firstToken(run) + runs.tokenCount(run) - 1;
      RmsNorm.normalize(
          hidden, lastToken * width, norm, config.rmsEpsilon(), normed, run * width, width);
    }
    int length = runs.count() * config.vocabularySize();
    Arrays.fill(logits, 0, length, 0);
    matrices.input(normed, runs.count(), width);
    matrices.addProduct(config.layerCount(), TensorRole.LM_HEAD, logits);
    matrices.complete();
    if (config.logitSoftcap() > 0) {
      Softcap.apply(logits, 0, length, config.logitSoftcap());
    }
  }
}
