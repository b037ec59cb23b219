package org.kithlm.model.transformer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.kithlm.model.TinyModel;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.kernel.WorkerPool;
import org.kithlm.model.kernel.Workers;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.pack.PackWriter;
import org.kithlm.model.shard.ShardPlan;
import org.kithlm.model.weight.TensorRole;

/** Several texts after one prompt: together they must give the bits that each gives alone. */
class BranchesTest {
  private static final int POSITIONS_MAX = 12 * KvCache.BLOCK_POSITIONS;
  private static final int LAYERS = 3;
  private static final int TOKENS_MAX = 300;

  @TempDir Path folder;

  /** What one run of the test is about; printed where it fails. */
  private record Case(
      long seed, int promptLength, int branches, int steps, KvType type, double[] shares) {
    static Case of(long seed) {
      Random random = new Random(seed);
      double[][] shares = {{1}, {1, 1}, {3, 0, 1}};
      // Ends of prompts on both sides of the ends of tiles and blocks, and far from them.
      int[] lengths = {1, 31, 33, 127, 128, 129, 200, 256, 2 + random.nextInt(200)};
      return new Case(
          seed,
          lengths[random.nextInt(lengths.length)],
          2 + random.nextInt(StepRuns.MAX - 1),
          3 + random.nextInt(8),
          random.nextBoolean() ? KvType.F16 : KvType.Q8,
          shares[random.nextInt(shares.length)]);
    }

    @Override
    public String toString() {
      return "seed=%d prompt=%d branches=%d steps=%d kv=%s shares=%s"
          .formatted(seed, promptLength, branches, steps, type, Arrays.toString(shares));
    }
  }

  private static TinyModel model(Architecture architecture) {
    Map<TensorRole, GgmlType> types =
        Map.of(
            TensorRole.ATTN_Q, GgmlType.Q4_1,
            TensorRole.ATTN_OUTPUT, GgmlType.Q8_0,
            TensorRole.FFN_GATE, GgmlType.Q5_0,
            TensorRole.FFN_DOWN, GgmlType.Q4_0);
    return new TinyModel(
        architecture, LAYERS, 64, 96, 4, 2, 32, 50, true, GgmlType.Q8_0, types, 97);
  }

  @ParameterizedTest
  @EnumSource
  void shouldGiveTheBitsOfOneAfterAnother(Architecture architecture) throws IOException {
    Path gguf = model(architecture).write(folder.resolve("model.gguf"));
    Path path = folder.resolve("model.pack");
    PackWriter.write(gguf, path, (doneBytes, totalBytes) -> {});
    try (Pack pack = Pack.open(path);
        Workers two = WorkerPool.of(2)) {
      for (long seed = 1; seed <= 12; seed++) {
        Case run = Case.of(seed);
        // The pool serves one rank's thread.
        check(pack, run, run.shares.length == 1 ? two : Workers.alone());
      }
    }
  }

  private static void check(Pack pack, Case run, Workers workers) throws IOException {
    Random random = new Random(run.seed);
    int vocabulary = pack.config().vocabularySize();
    int[] prompt = random.ints(run.promptLength, 0, vocabulary).toArray();
    int[][] texts = new int[run.branches][];
    for (int i = 0; i < texts.length; i++) {
      texts[i] = random.ints(1 + random.nextInt(run.steps), 0, vocabulary).toArray();
    }
    ShardPlan plan = ShardPlan.weighted(pack.config(), pack.units(), run.shares);
    try (TestCluster cluster =
        new TestCluster(pack, plan, run.type, POSITIONS_MAX, TOKENS_MAX, workers)) {
      float[][][] expected = new float[run.branches][][];
      for (int i = 0; i < texts.length; i++) {
        cluster.logits(prompt, 0, TOKENS_MAX);
        expected[i] = new float[texts[i].length][];
        for (int j = 0; j < texts[i].length; j++) {
          int[] token = {texts[i][j]};
          expected[i][j] = cluster.logits(token, prompt.length + j, 1);
        }
      }
      // Twice, the second time with what the first has left in the cache.
      for (int round = 0; round < 2; round++) {
        cluster.logits(prompt, 0, 50);
        checkTogether(cluster, prompt.length, texts, expected, run);
      }
    }
  }

  /** All texts together, a token of each in a step; a text that is over takes no part. */
  private static void checkTogether(
      TestCluster cluster, int promptLength, int[][] texts, float[][][] expected, Case run) {
    for (int step = 0; step < run.steps; step++) {
      StepRuns runs = new StepRuns();
      int[] tokens = new int[texts.length];
      int[] owners = new int[texts.length];
      for (int i = 0; i < texts.length; i++) {
        if (step < texts[i].length) {
          tokens[runs.count()] = texts[i][step];
          owners[runs.count()] = i;
          runs.add(i, promptLength, promptLength + step, 1);
        }
      }
      if (runs.count() > 0) {
        int sums = cluster.sums();
        float[][] actual = cluster.logits(Arrays.copyOf(tokens, runs.count()), runs);
        assertEquals(2 * LAYERS, cluster.sums() - sums, "one set of sums for all texts");
        for (int j = 0; j < actual.length; j++) {
          String what = run + " text=" + owners[j] + " step=" + step;
          assertArrayEquals(expected[owners[j]][step], actual[j], 0, what);
        }
      }
    }
  }

  /** As after a lost rank: each text is run at once, then they go on together. */
  @ParameterizedTest
  @EnumSource
  void shouldGiveTheSameBitsWhenTextsAreRunAnew(Architecture architecture) throws IOException {
    Path gguf = model(architecture).write(folder.resolve("model.gguf"));
    Path path = folder.resolve("model.pack");
    PackWriter.write(gguf, path, (doneBytes, totalBytes) -> {});
    int[] prompt = new Random(3).ints(150, 0, 50).toArray();
    int[][] texts = {{1, 2, 3, 4, 5}, {6, 7, 8, 9}, {10, 11, 12, 13, 14, 15}};
    try (Pack pack = Pack.open(path);
        TestCluster cluster =
            new TestCluster(
                pack, ShardPlan.equal(pack.config(), pack.units(), 2), POSITIONS_MAX, TOKENS_MAX)) {
      float[][] expected = new float[texts.length][];
      for (int i = 0; i < texts.length; i++) {
        cluster.logits(prompt, 0, TOKENS_MAX);
        expected[i] = cluster.logits(texts[i], prompt.length, 1);
      }
      cluster.logits(prompt, 0, TOKENS_MAX);
      StepRuns last = new StepRuns();
      int[] lastTokens = new int[texts.length];
      for (int i = 0; i < texts.length; i++) {
        int before = texts[i].length - 1;
        StepRuns run = new StepRuns();
        run.add(i, i == 0 ? 0 : prompt.length, prompt.length, before);
        cluster.logits(Arrays.copyOf(texts[i], before), run);
        last.add(i, prompt.length, prompt.length + before, 1);
        lastTokens[i] = texts[i][before];
      }
      float[][] actual = cluster.logits(lastTokens, last);
      for (int i = 0; i < texts.length; i++) {
        assertArrayEquals(expected[i], actual[i], 0, "text=" + i);
      }
    }
  }
}
