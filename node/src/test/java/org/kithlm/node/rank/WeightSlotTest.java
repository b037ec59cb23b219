package org.kithlm.node.rank;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
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

class WeightSlotTest {
  private static final long PATIENCE_S = 30;

  @TempDir Path folder;

  private final WeightSlot slot = new WeightSlot();
  private Path pack;
  private RankAssignment assignment;

  @BeforeEach
  void makePack() throws IOException {
    TinyModel model =
        new TinyModel(
            Architecture.LLAMA, 2, 64, 80, 6, 3, 16, 50, true, GgmlType.Q8_0, Map.of(), 1);
    pack = folder.resolve("model.pack");
    PackWriter.write(model.write(folder.resolve("model.gguf")), pack, (done, total) -> {});
    try (Pack opened = Pack.open(pack)) {
      assignment =
          new RankAssignment(
              1,
              0,
              List.of(1.0),
              AttentionPlacement.SPLIT,
              HeadPlacement.ROOT,
              opened.id(),
              64,
              KvType.F16,
              8,
              CollectiveChoice.STAR,
              SumPrecision.EXACT,
              EpochKey.create());
    }
  }

  private RankWeights load() throws Exception {
    return slot.load(pack, assignment, MemoryBudget.UNLIMITED);
  }

  /** A load on a thread of its own, which waits already. */
  private CompletableFuture<RankWeights> waitingLoad() throws InterruptedException {
    CompletableFuture<RankWeights> result = new CompletableFuture<>();
    Thread thread =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  try {
                    result.complete(load());
                  } catch (Throwable failure) {
                    result.completeExceptionally(failure);
                  }
                });
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_S);
    while (thread.getState() != Thread.State.TIMED_WAITING) {
      assertTrue(System.nanoTime() < deadlineNs, "it does not wait");
      Thread.onSpinWait();
    }
    return result;
  }

  @Test
  void shouldLoadOnlyWhenTheWeightsBeforeAreClosed() throws Exception {
    RankWeights first = load();
    CompletableFuture<RankWeights> second = waitingLoad();
    assertFalse(second.isDone());
    first.close();
    first.close(); // gives nothing back that is not its own
    RankWeights loaded = second.get(PATIENCE_S, TimeUnit.SECONDS);
    first.close();
    CompletableFuture<RankWeights> third = waitingLoad();
    assertFalse(third.isDone());
    loaded.close();
    third.get(PATIENCE_S, TimeUnit.SECONDS).close();
  }

  @Test
  void shouldLetOnlyTheNewestWait() throws Exception {
    RankWeights first = load();
    CompletableFuture<RankWeights> second = waitingLoad();
    CompletableFuture<RankWeights> third = waitingLoad();
    ExecutionException failure =
        assertThrows(ExecutionException.class, () -> second.get(PATIENCE_S, TimeUnit.SECONDS));
    assertEquals("a newer plan has come", String.valueOf(failure.getCause()).split(": ", 2)[1]);
    first.close();
    third.get(PATIENCE_S, TimeUnit.SECONDS).close();
  }

  @Test
  void shouldBeFreeAfterALoadThatFailed() throws Exception {
    assertThrows(DoesNotFitException.class, () -> slot.load(pack, assignment, 1 << 20));
    load().close();
  }
}
