package org.kithlm.node.rank;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.model.TinyModel;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.pack.PackWriter;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.HeadPlacement;
import org.kithlm.model.transformer.KvType;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.EpochKey;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.SumPrecision;

/** A rank that cannot be made leaves no memory, file or thread behind. */
class FailedLoadTest {
  private static final String NO_ADDRESS = "192.0.2.1"; // for documentation, so nobody's
  private static final int CONTEXT = 64;

  @TempDir Path folder;

  private Path pack;
  private String packId;

  @BeforeEach
  void makePack() throws IOException {
    TinyModel model =
        new TinyModel(
            Architecture.LLAMA, 2, 64, 80, 6, 3, 16, 50, true, GgmlType.Q8_0, Map.of(), 1);
    pack = folder.resolve("model.pack");
    PackWriter.write(model.write(folder.resolve("model.gguf")), pack, (done, total) -> {});
    try (Pack opened = Pack.open(pack)) {
      packId = opened.id();
    }
  }

  private RankAssignment assignment(int rank, int maxTokens) {
    return new RankAssignment(
        1,
        rank,
        List.of(1.0, 1.0),
        AttentionPlacement.SPLIT,
        HeadPlacement.ROOT,
        packId,
        CONTEXT,
        KvType.F16,
        maxTokens,
        CollectiveChoice.STAR,
        SumPrecision.EXACT,
        EpochKey.create());
  }

  private RankWeights load(RankAssignment assignment) throws IOException, InterruptedException {
    return RankWeights.load(pack, assignment);
  }

  private static void assertFreed(RankWeights weights) {
    Exception closed = assertThrows(IllegalStateException.class, () -> weights.store().acquire(0));
    assertTrue(String.valueOf(closed.getMessage()).contains("is closed"), closed::toString);
  }

  private static long workers() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("kith-worker"))
        .count();
  }

  @Test
  void shouldFreeALeafThatCannotListen() throws Exception {
    RankAssignment assignment = assignment(1, 8);
    RankWeights weights = load(assignment);
    long before = workers();
    assertThrows(
        RuntimeException.class,
        () -> new SessionLeafRank(weights, assignment, NO_ADDRESS, null, 3));
    assertFreed(weights);
    assertEquals(before, workers());
  }

  @Test
  void shouldFreeARootThatCannotListen() throws Exception {
    RankAssignment assignment = assignment(0, 8);
    RankWeights weights = load(assignment);
    long before = workers();
    assertThrows(
        RuntimeException.class,
        () ->
            new SessionRootRank(
                weights, assignment, NO_ADDRESS, new AtomicReference<>(), null, 2, 3));
    assertFreed(weights);
    assertEquals(before, workers());
  }

  @Test
  void shouldFreeARankThatCannotCompute() throws Exception {
    RankAssignment noTokens = assignment(1, 0);
    RankWeights weights = load(noTokens);
    long before = workers();
    assertThrows(
        RuntimeException.class, () -> new SessionLeafRank(weights, noTokens, "127.0.0.1", null, 3));
    assertFreed(weights);
    assertEquals(before, workers());
    assertTrue(Files.deleteIfExists(pack));
  }
}
