package org.kithlm.coordinator.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.model.sampling.SamplingParameters;
import org.kithlm.node.kv.KvStore;
import org.kithlm.node.kv.KvStorePlace;
import org.kithlm.node.rank.RootKvStore;

/** A real model on two ranks: what comes from disks is what a whole prefill gives. */
@Tag("model")
class KvStoreModelTest {
  private static final long BYTES = 256 << 20;
  private static final int ANSWER_TOKENS = 80; // more than a page
  private static final List<Double> EVEN = List.of(1.0, 1.0);

  /** Some 200 tokens. */
  private static final String PROMPT =
      "The capital of France is Paris. The capital of Italy is Rome. ".repeat(14)
          + "The capital of Spain is";

  @TempDir static Path folder;

  /** Ranks and their disks, until both are stopped. */
  private static final class Kept implements AutoCloseable {
    private final RootKvStore rootStore;
    private final @Nullable KvStore leafStore;
    final TwoRanks ranks;

    Kept(List<Double> shares, boolean leafKeeps) throws Exception {
      rootStore = RootKvStore.open(place("root"));
      leafStore = leafKeeps ? new KvStore(place("leaf")) : null;
      ranks = new TwoRanks(folder, TwoRanks.RESIDENT, shares, rootStore, leafStore);
    }

    private static KvStorePlace place(String name) throws Exception {
      return new KvStorePlace(Files.createDirectories(folder.resolve(name)), BYTES);
    }

    RecordingListener answer(String prompt) {
      return KvStoreModelTest.answer(ranks, prompt);
    }

    @Override
    public void close() {
      ranks.close();
      rootStore.close();
      if (leafStore != null) {
        leafStore.close();
      }
    }
  }

  private static RecordingListener answer(TwoRanks ranks, String prompt) {
    return ranks.answer(
        new GenerationRequest(
            ranks.tokenizer.encodePrompt(prompt),
            ANSWER_TOKENS,
            SamplingParameters.greedy(),
            List.of(),
            5));
  }

  @Test
  void shouldGoOnFromDiskBitForBit() throws Exception {
    RecordingListener first;
    RecordingListener expected;
    String nextTurn;
    try (TwoRanks ranks = new TwoRanks(folder, TwoRanks.RESIDENT)) {
      first = answer(ranks, PROMPT);
      nextTurn = PROMPT + first.text() + " And the capital of Portugal is";
      answer(ranks, "def fibonacci(n):");
      expected = answer(ranks, nextTurn);
      assertEquals(0, expected.usage().cachedTokens());
    }
    int promptTokens = first.usage().promptTokens();

    try (Kept kept = new Kept(EVEN, true)) {
      assertEquals(first.tokens, kept.answer(PROMPT).tokens);
    }
    try (Kept kept = new Kept(EVEN, true)) { // as after a restart
      RecordingListener restored = kept.answer(nextTurn);
      int cached = restored.usage().cachedTokens();
      assertEquals(0, cached % 64);
      assertTrue(cached > promptTokens, "its own answer is there too: " + cached);
      assertEquals(expected.tokens, restored.tokens); // ids, log probabilities and candidates

      kept.answer("def fibonacci(n):"); // takes its place in memory
      RecordingListener again = kept.answer(nextTurn);
      assertTrue(again.usage().cachedTokens() >= cached);
      assertEquals(expected.tokens, again.tokens);
    }
    try (Kept kept = new Kept(List.of(1.0, 8.0), true)) { // all heads are on the leaf now
      RecordingListener moved = kept.answer(nextTurn);
      assertEquals(0, moved.usage().cachedTokens());
      assertEquals(expected.tokens, moved.tokens);
    }
    try (Kept kept = new Kept(List.of(1.0, 8.0), true)) { // which has kept them
      RecordingListener restored = kept.answer(nextTurn);
      assertTrue(restored.usage().cachedTokens() > promptTokens);
      assertEquals(expected.tokens, restored.tokens);
    }
    try (Kept kept = new Kept(EVEN, false)) {
      RecordingListener without = kept.answer(nextTurn);
      assertEquals(0, without.usage().cachedTokens());
      assertEquals(expected.tokens, without.tokens);
    }
  }
}
