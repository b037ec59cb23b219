package org.kithlm.coordinator.generation;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.pack.PackWriter;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.HeadPlacement;
import org.kithlm.model.tokenizer.Tokenizer;
import org.kithlm.model.transformer.KvType;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.EpochKey;
import org.kithlm.node.control.LeafRank;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.SumPrecision;
import org.kithlm.node.kv.KvStore;
import org.kithlm.node.rank.RankWeights;
import org.kithlm.node.rank.RootKvStore;
import org.kithlm.node.rank.RootRank;
import org.kithlm.node.rank.SessionLeafRank;
import org.kithlm.node.rank.SessionRootRank;

/** SmolLM2 on two ranks in this JVM, with an engine before them. */
final class TwoRanks implements AutoCloseable {
  static final int CONTEXT_LENGTH = 1024;
  static final int MAX_TOKENS = 16;

  /** The share of the weights that stays in memory where all of it does. */
  static final double RESIDENT = 1;

  private static final String HOST = "127.0.0.1";

  final Tokenizer tokenizer;
  final GenerationEngine engine;
  private final SessionRootRank root;
  private final SessionLeafRank leaf;

  /** Run before each step. */
  volatile Runnable onStep = () -> {};

  /**
   * Starts them; without the model the test is skipped.
   *
   * @param folder keeps the pack
   * @param share of the weights that may stay in memory; the others are read in each step
   */
  TwoRanks(Path folder, double share) throws IOException, InterruptedException {
    this(folder, share, List.of(1.0, 1.0), null, null);
  }

  /**
   * The same with other shares, and stores of keys and values, which they do not close.
   *
   * @param shares of the work
   */
  TwoRanks(
      Path folder,
      double share,
      List<Double> shares,
      @Nullable RootKvStore rootStore,
      @Nullable KvStore leafStore)
      throws IOException, InterruptedException {
    String models =
        Objects.requireNonNullElse(
            System.getProperty("KITH_TEST_MODELS", System.getenv("KITH_TEST_MODELS")), "");
    Path gguf = Path.of(models, "smollm2.gguf");
    assumeTrue(Files.exists(gguf), "set KITH_TEST_MODELS to a folder with smollm2.gguf");
    Path pack = folder.resolve("smollm2.pack");
    if (!Files.exists(pack)) {
      PackWriter.write(gguf, pack, (doneBytes, totalBytes) -> {});
    }
    RankAssignment first;
    RankAssignment second;
    long firstBytes;
    long secondBytes;
    try (Pack open = Pack.open(pack)) {
      tokenizer = Tokenizer.from(open.metadata());
      EpochKey key = EpochKey.create();
      first = assignment(0, open.id(), key).withShares(0, shares);
      second = assignment(1, open.id(), key).withShares(1, shares);
      firstBytes = bytes(open, first, share);
      secondBytes = bytes(open, second, share);
    }
    root =
        new SessionRootRank(
            RankWeights.load(pack, first, firstBytes),
            first,
            HOST,
            new AtomicReference<>(),
            rootStore,
            1,
            2);
    leaf =
        new SessionLeafRank(
            RankWeights.load(pack, second, secondBytes), second, HOST, leafStore, 1);
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

  private static long bytes(Pack pack, RankAssignment assignment, double share) throws IOException {
    return share == RESIDENT ? Long.MAX_VALUE : RankWeights.processBytes(pack, assignment, share);
  }

  private static RankAssignment assignment(int rank, String packId, EpochKey key) {
    return new RankAssignment(
        1,
        rank,
        List.of(1.0, 1.0),
        AttentionPlacement.SPLIT,
        HeadPlacement.ROOT,
        packId,
        CONTEXT_LENGTH,
        KvType.F16,
        MAX_TOKENS,
        CollectiveChoice.STAR,
        SumPrecision.EXACT,
        key);
  }

  /** The root, with {@link #onStep} run before each step. */
  private RootRank watched(RootRank watched) {
    return (RootRank)
        Proxy.newProxyInstance(
            RootRank.class.getClassLoader(),
            new Class<?>[] {RootRank.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("step")) {
                onStep.run();
              }
              try {
                return method.invoke(watched, arguments);
              } catch (InvocationTargetException e) {
                throw Objects.requireNonNull(e.getCause());
              }
            });
  }

  /** Bytes of weights that rank 0 has read since it was loaded. */
  long streamedBytes() {
    return root.statistics().weightsStreamedBytes();
  }

  RecordingListener answer(GenerationRequest request) {
    RecordingListener listener = new RecordingListener();
    engine.submit(request, listener);
    listener.usage();
    return listener;
  }

  @Override
  public void close() {
    engine.close();
    leaf.close();
  }
}
