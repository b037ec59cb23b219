package org.kithlm.node.rank;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.model.TinyModel;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.kernel.Workers;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.pack.PackWriter;
import org.kithlm.model.sampling.LikeliestTokens;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.HeadPlacement;
import org.kithlm.model.shard.ShardPlan;
import org.kithlm.model.transformer.KvType;
import org.kithlm.model.transformer.StepRuns;
import org.kithlm.model.weight.TensorRole;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.EpochKey;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.SumPrecision;

/** Ranks one after another, the root last; what they send is in memory. */
class RankHeadTest {
  private static final int HIDDEN = 64;
  private static final TensorRole HEAD = TensorRole.LM_HEAD;
  private static final int VOCABULARY = 5000; // several units of rows

  @TempDir Path folder;

  private Path pack;
  private String packId;
  private int sentFloats;

  @BeforeEach
  void makePack() throws Exception {
    TinyModel model =
        new TinyModel(
            Architecture.LLAMA,
            1,
            HIDDEN,
            80,
            6,
            3,
            16,
            VOCABULARY,
            true,
            GgmlType.F32,
            Map.of(),
            1);
    pack = folder.resolve("model.pack");
    PackWriter.write(model.write(folder.resolve("model.gguf")), pack, (done, total) -> {});
    try (Pack opened = Pack.open(pack)) {
      packId = opened.id();
    }
  }

  private RankAssignment assignment(int rank, List<Double> shares, HeadPlacement head) {
    return new RankAssignment(
        1,
        rank,
        shares,
        AttentionPlacement.SPLIT,
        head,
        packId,
        64,
        KvType.F16,
        8,
        CollectiveChoice.STAR,
        SumPrecision.EXACT,
        EpochKey.create());
  }

  /** The root's logits [runs x vocabulary]. */
  private float[] logits(List<Double> shares, HeadPlacement place, float[] hidden, StepRuns runs)
      throws Exception {
    float[] logits = new float[runs.count() * VOCABULARY];
    List<float[]> sent = new ArrayList<>(Collections.nCopies(runs.count(), new float[0]));
    sentFloats = 0;
    for (int rank = shares.size() - 1; rank >= 0; rank--) {
      int own = rank;
      compute(
          assignment(rank, shares, place),
          hidden,
          runs,
          (run, vector, ends) -> {
            float[] all = Arrays.copyOf(sent.get(run), vector.length);
            if (own == 0) {
              System.arraycopy(all, 0, vector, 0, vector.length);
              sentFloats += ends[ends.length - 1];
            } else {
              System.arraycopy(
                  vector, ends[own - 1], all, ends[own - 1], ends[own] - ends[own - 1]);
              sent.set(run, all);
            }
          },
          logits);
    }
    return logits;
  }

  /** The part of one rank, after the layers. */
  private void compute(
      RankAssignment assignment,
      float[] hidden,
      StepRuns runs,
      RankHead.Gather gather,
      float[] logits)
      throws Exception {
    try (RankWeights weights = RankWeights.load(pack, assignment)) {
      TileWeights tiles = new TileWeights(weights.store());
      for (int tile = 0; tile < weights.layout().firstTile(1, HEAD); tile++) {
        tiles.acquire(tile);
        tiles.release(tile);
      }
      ShardPlan plan = RankWeights.planOf(weights.pack(), assignment);
      new RankHead(weights, plan, tiles, Workers.alone()).logits(hidden, runs, gather, logits);
    }
  }

  private static float[] hidden(int tokens) {
    Random random = new Random(7);
    float[] hidden = new float[tokens * HIDDEN];
    for (int i = 0; i < hidden.length; i++) {
      hidden[i] = (float) random.nextGaussian();
    }
    return hidden;
  }

  @ParameterizedTest
  @ValueSource(strings = {"1,1", "1,0,5", "0,1,1", "3,1,1,1,1,2"})
  void shouldGiveTheLogitsOfOneRank(String shareList) throws Exception {
    List<Double> shares = Arrays.stream(shareList.split(",")).map(Double::valueOf).toList();
    float[] hidden = hidden(3);
    StepRuns runs = new StepRuns().add(StepRuns.STEM, 4, 4, 1).add(1, 4, 4, 2);
    float[] whole = logits(List.of(1.0), HeadPlacement.ROOT, hidden, runs);
    assertArrayEquals(whole, logits(shares, HeadPlacement.ROOT, hidden, runs), 0);
    assertEquals(0, sentFloats);
    assertArrayEquals(whole, logits(shares, HeadPlacement.SPLIT, hidden, runs), 0);
    assertTrue(sentFloats > 0);
    for (int wanted : new int[] {1, 5, 40, VOCABULARY / 3, VOCABULARY}) {
      runs.wantLogits(wanted);
      assertLikeliest(whole, logits(shares, HeadPlacement.SPLIT, hidden, runs), wanted);
    }
  }

  @Test
  void shouldSendFewOfTheLikeliest() throws Exception {
    List<Double> shares = List.of(1.0, 1.0, 1.0);
    StepRuns runs = new StepRuns().addStem(0, 3).wantLogits(2);
    logits(shares, HeadPlacement.SPLIT, hidden(3), runs);
    assertEquals(2 * 2 * 2, sentFloats);
  }

  @Test
  void shouldNameARankThatTellsOfARowItHasNot() {
    StepRuns runs = new StepRuns().addStem(0, 1).wantLogits(1);
    RankAssignment root = assignment(0, List.of(1.0, 1.0), HeadPlacement.SPLIT);
    IllegalStateException e =
        assertThrows(
            IllegalStateException.class,
            () ->
                compute(
                    root,
                    hidden(1),
                    runs,
                    (run, vector, ends) -> vector[0] = VOCABULARY,
                    new float[VOCABULARY]));
    assertTrue(String.valueOf(e.getMessage()).startsWith("rank 1 tells of row 5000"), e::toString);
  }

  /** The likeliest of each run have their logits, and no other has another than its own. */
  private static void assertLikeliest(float[] whole, float[] actual, int wanted) {
    LikeliestTokens likeliest = new LikeliestTokens();
    for (int run = 0; run < whole.length / VOCABULARY; run++) {
      int base = run * VOCABULARY;
      likeliest.select(whole, base, VOCABULARY, wanted);
      for (int i = 0; i < wanted; i++) {
        int token = likeliest.token(i);
        assertEquals(whole[base + token], actual[base + token], "token " + token);
      }
      for (int token = 0; token < VOCABULARY; token++) {
        float logit = actual[base + token];
        assertTrue(logit == Float.NEGATIVE_INFINITY || logit == whole[base + token]);
      }
    }
  }
}
