package org.kithlm.coordinator.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.pack.PackWriter;
import org.kithlm.model.sampling.SamplingParameters;
import org.kithlm.model.tokenizer.Tokenizer;
import org.kithlm.model.transformer.KvType;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.EpochKey;
import org.kithlm.node.control.LeafRank;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.rank.RankWeights;
import org.kithlm.node.rank.RootRank;
import org.kithlm.node.rank.SessionLeafRank;
import org.kithlm.node.rank.SessionRootRank;

/** A real model on two ranks: what comes out of the KV cache is what a whole prefill gives. */
@Tag("model")
class PrefixReuseTest {
  private static final String HOST = "127.0.0.1";
  private static final int CONTEXT_LENGTH = 256;
  private static final int MAX_TOKENS = 16;
  private static final int ANSWER_TOKENS = 8;
  private static final String PROMPT =
      "The capital of France is Paris. The capital of Italy is Rome. The capital of Spain is";
  private static final String OTHER = "def fibonacci(n):";

  @TempDir static Path folder;

  private Tokenizer tokenizer;
  private GenerationEngine engine;
  private SessionLeafRank leaf;
  private volatile Runnable onStep = () -> {};

  @BeforeEach
  void start() throws IOException, InterruptedException {
    String models =
        Objects.requireNonNullElse(
            System.getProperty("KITH_TEST_MODELS", System.getenv("KITH_TEST_MODELS")), "");
    Path gguf = Path.of(models, "smollm2.gguf");
    assumeTrue(Files.exists(gguf), "set KITH_TEST_MODELS to a folder with smollm2.gguf");
    Path pack = folder.resolve("smollm2.pack");
    if (!Files.exists(pack)) {
      PackWriter.write(gguf, pack, (doneBytes, totalBytes) -> {});
    }
    String packId;
    try (Pack open = Pack.open(pack)) {
      packId = open.id();
      tokenizer = Tokenizer.from(open.metadata());
    }
    EpochKey key = EpochKey.create();
    RankAssignment first = assignment(0, packId, key);
    RankAssignment second = assignment(1, packId, key);
    SessionRootRank root = new SessionRootRank(RankWeights.load(pack, first), first, HOST, 1, 2);
    leaf = new SessionLeafRank(RankWeights.load(pack, second), second, HOST, 1);
    List<NodeMessage.Peer> peers =
        List.of(
            new NodeMessage.Peer(0, HOST, root.dataPort(), root.maxTokens()),
            new NodeMessage.Peer(1, HOST, leaf.dataPort(), leaf.maxTokens()));
    leaf.start(
        peers,
        new LeafRank.Listener() {
          @Override
          public void onConnected() {}

          @Override
          public void onStepFailed(String reason) {} // no tile is damaged

          @Override
          public void onFailed(String reason) {} // the root notices
        });
    engine = new GenerationEngine(tokenizer, CONTEXT_LENGTH);
    engine
        .activate(watched(root), peers, reason -> {})
        .toCompletableFuture()
        .orTimeout(60, TimeUnit.SECONDS)
        .join();
  }

  private static RankAssignment assignment(int rank, String packId, EpochKey key) {
    return new RankAssignment(
        1,
        rank,
        List.of(1.0, 1.0),
        packId,
        CONTEXT_LENGTH,
        KvType.F16,
        MAX_TOKENS,
        CollectiveChoice.STAR,
        key);
  }

  @AfterEach
  void stop() {
    if (engine != null) {
      engine.close();
      leaf.close();
    }
  }

  /** The root, with {@link #onStep} run before each step. */
  private RootRank watched(RootRank root) {
    return (RootRank)
        Proxy.newProxyInstance(
            RootRank.class.getClassLoader(),
            new Class<?>[] {RootRank.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("step")) {
                onStep.run();
              }
              try {
                return method.invoke(root, arguments);
              } catch (InvocationTargetException e) {
                throw Objects.requireNonNull(e.getCause());
              }
            });
  }

  private Generation submit(String prompt, RecordingListener listener) {
    return engine.submit(
        new GenerationRequest(
            tokenizer.encodePrompt(prompt),
            ANSWER_TOKENS,
            SamplingParameters.greedy(),
            List.of(),
            5),
        listener);
  }

  private RecordingListener answer(String prompt) {
    RecordingListener listener = new RecordingListener();
    submit(prompt, listener);
    assertTrue(listener.usage().completionTokens() > 0);
    return listener;
  }

  @Test
  void shouldAnswerFromTheCacheBitForBit() {
    RecordingListener first = answer(PROMPT);
    RecordingListener repeated = answer(PROMPT);
    assertEquals(first.usage().promptTokens() - 1, repeated.usage().cachedTokens());
    assertEquals(first.tokens, repeated.tokens); // ids, log probabilities and candidates

    String nextTurn = PROMPT + first.text() + " And the capital of Portugal is";
    RecordingListener continued = answer(nextTurn);
    assertTrue(continued.usage().cachedTokens() > first.usage().promptTokens());
    assertEquals(0, answer(OTHER).usage().cachedTokens());
    RecordingListener anew = answer(nextTurn);
    assertEquals(0, anew.usage().cachedTokens());
    assertEquals(anew.tokens, continued.tokens);
  }

  @Test
  void shouldGoOnFromAnAbortedStepBitForBit() throws InterruptedException {
    String longer = PROMPT + " Madrid. The capital of Portugal is Lisbon. The capital of Greece is";
    RecordingListener expected = answer(longer);
    for (int abortedStep = 1; abortedStep <= 3; abortedStep++) {
      answer(OTHER);
      abort(longer, abortedStep);
      RecordingListener resumed = answer(longer);
      assertEquals(expected.tokens, resumed.tokens, "aborted in step " + abortedStep);
      // The aborted step may have been over when the cancel came.
      int cached = resumed.usage().cachedTokens();
      assertTrue(
          cached == (abortedStep - 1) * MAX_TOKENS || cached == abortedStep * MAX_TOKENS,
          "aborted in step " + abortedStep + " cached=" + cached);
    }
  }

  /** Cancels a request from another thread while its n-th step runs. */
  private void abort(String prompt, int step) throws InterruptedException {
    CompletableFuture<Generation> generation = new CompletableFuture<>();
    RecordingListener listener = new RecordingListener();
    int[] steps = {0};
    onStep =
        () -> {
          if (++steps[0] == step) {
            Thread.ofPlatform().daemon().start(() -> generation.join().cancel());
          }
        };
    generation.complete(submit(prompt, listener));
    assertEquals(FinishReason.CANCELLED, listener.end().reason());
    onStep = () -> {};
  }
}
