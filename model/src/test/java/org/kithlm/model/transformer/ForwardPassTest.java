package org.kithlm.model.transformer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.kithlm.model.TinyModel;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.gguf.GgufFile;
import org.kithlm.model.gguf.GgufWriter;
import org.kithlm.model.kernel.Workers;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.pack.PackWriter;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.shard.ShardPlan;
import org.kithlm.model.weight.TensorRole;
import org.kithlm.model.weight.Tile;

/** Small random models of every family: shards, chunks and the scalar twin must agree. */
class ForwardPassTest {
  private static final int TOKENS = 19;
  private static final int TOKENS_MAX = 32;
  private static final int POSITIONS_MAX = 64;

  @TempDir Path folder;

  /** Weights of moderate size, so that 16-bit keys do not decide between near ties. */
  private static TinyModel random(Architecture architecture, long seed) {
    Random random = new Random(seed);
    List<GgmlType> typesToPick = List.of(GgmlType.F32, GgmlType.F16, GgmlType.BF16, GgmlType.Q8_0);
    Map<TensorRole, GgmlType> types = new EnumMap<>(TensorRole.class);
    for (TensorRole role : TensorRole.values()) {
      types.put(role, typesToPick.get(random.nextInt(typesToPick.size())));
    }
    int kvHeads = 1 + random.nextInt(3);
    return new TinyModel(
        architecture,
        1 + random.nextInt(7),
        32 * (1 + random.nextInt(4)),
        32 * (1 + random.nextInt(6)),
        kvHeads * 2 * (1 + random.nextInt(2)),
        kvHeads,
        16 * (1 + random.nextInt(2)),
        40 + random.nextInt(30),
        random.nextBoolean(),
        GgmlType.Q8_0,
        types,
        seed);
  }

  private Path packOf(GgufWriter writer) throws IOException {
    Path gguf = writer.write(folder.resolve("model.gguf"));
    Path pack = folder.resolve("model.pack");
    PackWriter.write(gguf, pack, (doneBytes, totalBytes) -> {});
    return pack;
  }

  private static int[] tokens(TinyModel model, int count) {
    return new Random(model.seed()).ints(count, 0, model.vocabulary()).toArray();
  }

  private static void assertClose(float[] expected, float[] actual, double tolerance, String what) {
    double scale = 0;
    double error = 0;
    for (int i = 0; i < expected.length; i++) {
      scale = Math.max(scale, Math.abs(expected[i]));
      error = Math.max(error, Math.abs(expected[i] - actual[i]));
      assertTrue(Float.isFinite(actual[i]), what);
    }
    assertTrue(error <= tolerance * scale, what + ": error " + error + " of " + scale);
  }

  private void compareWithTwin(GgufWriter writer, int[] ids, String what) throws IOException {
    Path path = packOf(writer);
    GgufFile gguf = GgufFile.read(folder.resolve("model.gguf"));
    try (Pack pack = Pack.open(path);
        ScalarTransformer twin = new ScalarTransformer(gguf, true);
        TestCluster one =
            new TestCluster(
                pack, ShardPlan.equal(pack.config(), pack.units(), 1), POSITIONS_MAX, TOKENS_MAX)) {
      float[][] expected = twin.hidden(ids);
      int width = pack.config().hiddenSize();
      for (int length = 1; length <= ids.length; length++) { // the last token is the one to look at
        float[] hidden = one.step(one.embeddings(Arrays.copyOf(ids, length)), 0);
        float[] last = Arrays.copyOfRange(hidden, hidden.length - width, hidden.length);
        assertClose(expected[length - 1], last, 2e-3, what + " length=" + length);
        one.rewind();
      }
      assertClose(twin.logits(ids), one.logits(ids, 0, TOKENS_MAX), 2e-3, what);
    }
  }

  @ParameterizedTest
  @EnumSource(Architecture.class)
  void shouldAgreeWithScalarTwin(Architecture architecture) throws IOException {
    for (long seed = 1; seed <= 5; seed++) {
      TinyModel model = random(architecture, seed);
      compareWithTwin(model.writer(), tokens(model, TOKENS), "seed=" + seed + " " + model);
    }
  }

  @Test
  void shouldScaleAndDividePositionsAndCapScores() throws IOException {
    TinyModel model = random(Architecture.LLAMA, 11);
    int pairs = model.headDim() / 2;
    ByteBuffer divisors = ByteBuffer.allocate(pairs * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < pairs; i++) {
      divisors.putFloat(1 + i);
    }
    GgufWriter writer =
        model
            .writer()
            .put("llama.rope.scaling.type", "linear")
            .put("llama.rope.scaling.factor", 4f)
            .put("llama.attn_logit_softcapping", 2f)
            .put("llama.final_logit_softcapping", 3f)
            .tensor("rope_freqs.weight", GgmlType.F32, divisors.array(), pairs);
    compareWithTwin(writer, tokens(model, TOKENS), model.toString());
  }

  @ParameterizedTest
  @EnumSource(Architecture.class)
  void shouldAgreeForAnyShards(Architecture architecture) throws IOException {
    for (long seed = 21; seed <= 23; seed++) {
      TinyModel model = random(architecture, seed);
      int[] ids = tokens(model, TOKENS);
      double[][] shares = {{1, 1}, {5, 1, 2}, {1, 0, 1, 1}, {0, 1, 9, 1, 0}, {1, 1, 1, 1, 1, 1, 1}};
      try (Pack pack = Pack.open(packOf(model.writer()))) {
        float[] whole = run(pack, new double[] {1}, AttentionPlacement.SPLIT, ids);
        for (double[] share : shares) {
          for (AttentionPlacement attention : AttentionPlacement.values()) {
            String what =
                "seed=%d %s %s %s".formatted(seed, Arrays.toString(share), attention, model);
            assertArrayEquals(whole, run(pack, share, attention, ids), 0, what);
          }
          String what = "seed=%d %s %s".formatted(seed, Arrays.toString(share), model);
          checkSharedHead(pack, share, ids, what);
        }
      }
    }
  }

  private static void checkSharedHead(Pack pack, double[] share, int[] ids, String what)
      throws IOException {
    ShardPlan alone = ShardPlan.equal(pack.config(), pack.units(), 1);
    ShardPlan sharing =
        ShardPlan.weighted(pack.config(), pack.units(), share)
            .sharingHead(pack.headRowsPerUnit(), share);
    int held = ids.length; // the branches leave the stem at its end
    StepRuns runs = new StepRuns().add(StepRuns.STEM, held, held, 1).add(1, held, held, 2);
    int[] next = Arrays.copyOf(ids, 3);
    int positions = 3 * KvCache.BLOCK_POSITIONS;
    try (TestCluster one = new TestCluster(pack, alone, positions, TOKENS_MAX);
        TestCluster ranks = new TestCluster(pack, sharing, positions, TOKENS_MAX)) {
      assertArrayEquals(one.logits(ids, 0, 3), ranks.logits(ids, 0, 3), 0, what);
      float[][] expected = one.logits(next, runs);
      float[][] actual = ranks.logits(next, runs);
      for (int run = 0; run < runs.count(); run++) {
        assertArrayEquals(expected[run], actual[run], 0, what + " run " + run);
      }
    }
  }

  private static float[] run(Pack pack, double[] shares, AttentionPlacement attention, int[] ids)
      throws IOException {
    ShardPlan plan = ShardPlan.weighted(pack.config(), pack.units(), shares, attention);
    try (TestCluster cluster = new TestCluster(pack, plan, POSITIONS_MAX, TOKENS_MAX)) {
      float[] hidden = cluster.step(cluster.embeddings(ids), 0);
      int layers = pack.config().layerCount();
      assertEquals(attention == AttentionPlacement.SPLIT ? 2 * layers : layers, cluster.sums());
      return hidden;
    }
  }

  /** One rank says that it streams its weights, so it computes both halves of a step at once. */
  @ParameterizedTest
  @EnumSource(Architecture.class)
  void shouldAgreeWhereSumsOverlap(Architecture architecture) throws IOException {
    checkChunks(
        architecture,
        false,
        (layers, attention, chunk) -> {
          int steps = Math.ceilDiv(POSITIONS_MAX, chunk);
          int halves = POSITIONS_MAX / chunk * (chunk >= ForwardPass.OVERLAP_TOKENS_MIN ? 1 : 0);
          int blocks = attention == AttentionPlacement.SPLIT ? 2 : 1;
          return blocks * ((layers - 1) * (steps + halves) + 1);
        });
  }

  @ParameterizedTest
  @EnumSource(Architecture.class)
  void shouldAgreeWhereRanksShareTokens(Architecture architecture) throws IOException {
    checkChunks(
        architecture,
        true,
        (layers, attention, chunk) -> {
          boolean shared = attention == AttentionPlacement.REPLICATED && chunk >= 32;
          return shared ? POSITIONS_MAX / chunk * (layers - 1) : 0;
        });
  }

  /** How many collectives a prompt of POSITIONS_MAX tokens takes. */
  private interface CollectiveCount {
    int of(int layers, AttentionPlacement attention, int chunk);
  }

  /**
   * Compares four ranks with one, for steps of some lengths.
   *
   * @param expected sums, or allgathers where tokens are shared
   */
  private void checkChunks(
      Architecture architecture, boolean sharesTokens, CollectiveCount expected)
      throws IOException {
    TinyModel model = random(architecture, 35);
    int[] ids = tokens(model, POSITIONS_MAX);
    double[] shares = {2, 1, 1, 3};
    try (Pack pack = Pack.open(packOf(model.writer()))) {
      ShardPlan alone = ShardPlan.equal(pack.config(), pack.units(), 1);
      int layers = pack.config().layerCount();
      assertTrue(layers > 1, model::toString);
      try (TestCluster one = new TestCluster(pack, alone, POSITIONS_MAX, POSITIONS_MAX)) {
        float[] logits = one.logits(ids, 0, POSITIONS_MAX);
        for (AttentionPlacement attention : AttentionPlacement.values()) {
          ShardPlan plan = ShardPlan.weighted(pack.config(), pack.units(), shares, attention);
          try (TestCluster ranks = new TestCluster(pack, plan, POSITIONS_MAX, POSITIONS_MAX)) {
            ranks.shareTokens(sharesTokens);
            for (int chunk : new int[] {POSITIONS_MAX, 47, 32, 31}) {
              int before = sharesTokens ? ranks.gathers() : ranks.sums();
              String what = attention + " chunk=" + chunk + " " + model;
              assertArrayEquals(logits, ranks.logits(ids, 0, chunk), 0, what);
              int after = sharesTokens ? ranks.gathers() : ranks.sums();
              assertEquals(expected.of(layers, attention, chunk), after - before, what);
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Architecture.class)
  void shouldNotDependOnChunks(Architecture architecture) throws IOException {
    TinyModel model = random(architecture, 31);
    int[] ids = tokens(model, POSITIONS_MAX);
    try (Pack pack = Pack.open(packOf(model.writer()))) {
      ShardPlan plan = ShardPlan.equal(pack.config(), pack.units(), 1);
      try (TestCluster cluster = new TestCluster(pack, plan, POSITIONS_MAX, POSITIONS_MAX)) {
        float[] atOnce = cluster.logits(ids, 0, POSITIONS_MAX);
        for (int chunk : new int[] {1, 3, 4, 7, 33}) {
          assertArrayEquals(atOnce, cluster.logits(ids, 0, chunk), 0, "chunk=" + chunk);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Architecture.class)
  void shouldNotDependOnThreads(Architecture architecture) throws IOException {
    TinyModel model = random(architecture, 71);
    int[] ids = tokens(model, TOKENS);
    try (Pack pack = Pack.open(packOf(model.writer()))) {
      ShardPlan plan = ShardPlan.equal(pack.config(), pack.units(), 1);
      try (TestCluster one = new TestCluster(pack, plan, POSITIONS_MAX, TOKENS_MAX);
          TestCluster five =
              new TestCluster(pack, plan, KvType.F16, POSITIONS_MAX, TOKENS_MAX, new Turns(5))) {
        assertArrayEquals(one.logits(ids, 0, TOKENS_MAX), five.logits(ids, 0, TOKENS_MAX), 0);
      }
    }
  }

  /** Workers that take turns on the caller's thread, the last first. */
  private record Turns(int count) implements Workers {
    @Override
    public void run(Part part) {
      for (int i = count - 1; i >= 0; i--) {
        part.run(i, count);
      }
    }

    @Override
    public void close() {}
  }

  @Test
  void shouldForgetWhatIsWrittenOver() throws IOException {
    TinyModel model = random(Architecture.GEMMA3, 41);
    int[] ids = tokens(model, TOKENS);
    try (Pack pack = Pack.open(packOf(model.writer()))) {
      ShardPlan plan = ShardPlan.equal(pack.config(), pack.units(), 1);
      try (TestCluster cluster = new TestCluster(pack, plan, POSITIONS_MAX, TOKENS_MAX)) {
        float[] expected = cluster.logits(ids, 0, TOKENS_MAX);
        int[] other = ids.clone();
        Arrays.fill(other, 5, TOKENS, 1);
        cluster.logits(other, 0, TOKENS_MAX);
        assertEquals(TOKENS, cluster.cache(0).length());
        int[] rest = Arrays.copyOfRange(ids, 5, TOKENS);
        assertArrayEquals(expected, cluster.logits(rest, 5, TOKENS_MAX), 0);
      }
    }
  }

  @Test
  void shouldRefuseWhatDoesNotFit() throws IOException {
    TinyModel model = random(Architecture.LLAMA, 51);
    try (Pack pack = Pack.open(packOf(model.writer()))) {
      ShardPlan plan = ShardPlan.equal(pack.config(), pack.units(), 1);
      try (TestCluster cluster = new TestCluster(pack, plan, 8, 16)) {
        ForwardPass pass = cluster.pass(0);
        float[] hidden = new float[17 * model.hidden()];
        assertRefused("tokenCount=0", () -> pass.forward(hidden, new StepRuns()));
        assertRefused("tokenCount=17", () -> pass.forward(hidden, stem(0, 17)));
        assertRefused("startPosition=1 would leave a gap", () -> pass.forward(hidden, stem(1, 1)));
        assertRefused("exceeds the context of 8", () -> pass.forward(hidden, stem(0, 9)));
      }
    }
  }

  private static StepRuns stem(int startPosition, int tokenCount) {
    return new StepRuns().addStem(startPosition, tokenCount);
  }

  private static void assertRefused(String message, Runnable call) {
    String actual = assertThrows(IllegalArgumentException.class, call::run).toString();
    assertTrue(actual.contains(message), actual);
  }

  @Test
  void shouldTellWhatATokenTakesOfTheHeap() throws IOException {
    Map<TensorRole, GgmlType> matrices =
        Map.of(
            TensorRole.ATTN_Q, GgmlType.Q4_1,
            TensorRole.ATTN_V, GgmlType.Q5_0,
            TensorRole.FFN_GATE, GgmlType.Q4_K,
            TensorRole.FFN_DOWN, GgmlType.Q6_K);
    TinyModel model =
        new TinyModel(
            Architecture.LLAMA, 1, 256, 512, 4, 2, 64, 40, true, GgmlType.Q8_0, matrices, 71);
    try (Pack pack = Pack.open(packOf(model.writer()))) {
      ShardPlan plan = ShardPlan.equal(pack.config(), pack.units(), 1);
      RankShard shard = plan.shard(0);
      Set<GgmlType> types = pack.tiles(shard).stream().map(Tile::type).collect(Collectors.toSet());
      long told = 1000 * ForwardPass.bytesPerToken(pack.config(), shard, types, false);
      allocatedBytes(pack, plan, 8); // loads classes
      long taken = allocatedBytes(pack, plan, 1008) - allocatedBytes(pack, plan, 8);
      assertEquals(1, (double) told / taken, 0.05);
    }
  }

  private static long allocatedBytes(Pack pack, ShardPlan plan, int tokensMax) throws IOException {
    var memory = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = memory.getCurrentThreadAllocatedBytes();
    try (TestCluster cluster = new TestCluster(pack, plan, POSITIONS_MAX, tokensMax)) {
      assertEquals(0, cluster.cache(0).length());
      return memory.getCurrentThreadAllocatedBytes() - before;
    }
  }

  @Test
  void shouldNotAllocateAfterWarmUp() throws IOException {
    var memory = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    TinyModel model = random(Architecture.GEMMA3, 61);
    try (Pack pack = Pack.open(packOf(model.writer()))) {
      ShardPlan plan = ShardPlan.equal(pack.config(), pack.units(), 1);
      try (TestCluster cluster = new TestCluster(pack, plan, POSITIONS_MAX, TOKENS_MAX)) {
        float[] hidden = cluster.embeddings(tokens(model, 5));
        StepRuns runs = stem(0, 5);
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 20_000 && least > 0; i++) {
          long before = memory.getCurrentThreadAllocatedBytes();
          cluster.pass(0).forward(hidden, runs);
          least = Math.min(least, memory.getCurrentThreadAllocatedBytes() - before);
          cluster.rewind();
          Arrays.fill(hidden, 1);
        }
        assertEquals(0, least);
      }
    }
  }
}
