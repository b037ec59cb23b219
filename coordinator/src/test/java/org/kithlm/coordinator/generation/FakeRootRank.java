package org.kithlm.coordinator.generation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankStatistics;
import org.kithlm.node.rank.RootRank;

/**
 * A root without ranks or weights. Its logits depend on all tokens that its cache holds, as those
 * of a model do, and it insists on what RootRank asks of its callers.
 */
final class FakeRootRank implements RootRank {
  static final int MAX_TOKENS = 4;
  static final int TIMEOUT_SECONDS = 20;

  /** Steps as "position+count", in order. */
  final List<String> steps = new ArrayList<>();

  /** A step each, put in when it begins. */
  final BlockingQueue<String> begun = new LinkedBlockingQueue<>();

  volatile Function<int[], float[]> model = FakeRootRank::mixed;
  volatile boolean closed;
  volatile Duration warmUp = Duration.ZERO;
  volatile boolean brokenClose;

  /** What goes wrong in a step or while idle, null for nothing. */
  volatile Supplier<@Nullable RuntimeException> broken = () -> null;

  private volatile CompletableFuture<Void> gate = CompletableFuture.completedFuture(null);
  private volatile CompletableFuture<Void> interruption = new CompletableFuture<>();
  private volatile @Nullable RuntimeException failure;
  private int[] cache = new int[16];
  private int length;

  /** Logits that any other token in the cache would change. */
  static float[] mixed(int[] tokens) {
    Random random = new Random(Arrays.hashCode(tokens));
    float[] logits = new float[ByteTokenizer.VOCABULARY];
    for (int token = 0; token < logits.length; token++) {
      logits[token] = (float) random.nextGaussian();
    }
    return logits;
  }

  /** Answers a prompt of so many tokens with a text, and ends there. */
  void answer(int promptLength, String text) {
    int[] answer = Arrays.copyOf(ByteTokenizer.tokens(text), text.length() + 1);
    model =
        tokens -> {
          float[] logits = new float[ByteTokenizer.VOCABULARY];
          logits[answer[tokens.length - promptLength]] = 10;
          return logits;
        };
  }

  /** Lets steps and connects wait, until {@link #release}, abort or failure. */
  void hold() {
    gate = new CompletableFuture<>();
  }

  void release() {
    gate.complete(null);
  }

  /** Waits until a step or connect has begun. */
  void awaitBegun() throws InterruptedException {
    if (begun.poll(TIMEOUT_SECONDS, TimeUnit.SECONDS) == null) {
      throw new AssertionError("nothing began");
    }
  }

  @Override
  public int dataPort() {
    return 1;
  }

  @Override
  public CollectiveReport connect(List<NodeMessage.Peer> peers, Duration warmUp) {
    this.warmUp = warmUp;
    begin("connect");
    return new CollectiveReport(CollectiveChoice.STAR, true, null, List.of());
  }

  @Override
  public int maxTokens() {
    return MAX_TOKENS;
  }

  @Override
  public void step(int[] tokens, int offset, int count, int startPosition) {
    if (count < 1 || count > MAX_TOKENS || startPosition > length) {
      throw new AssertionError("count=" + count + " start=" + startPosition + " holds=" + length);
    }
    length = startPosition;
    String step = startPosition + "+" + count;
    steps.add(step);
    begin(step);
    checkBroken();
    cache = Arrays.copyOf(cache, Math.max(cache.length, startPosition + count));
    System.arraycopy(tokens, offset, cache, startPosition, count);
    length = startPosition + count;
  }

  private void checkBroken() {
    RuntimeException cause = broken.get();
    if (cause != null) {
      throw cause;
    }
  }

  private void begin(String what) {
    interruption = new CompletableFuture<>();
    RuntimeException cause = failure;
    if (cause != null) {
      throw cause;
    }
    begun.add(what);
    try {
      CompletableFuture.anyOf(gate, interruption)
          .orTimeout(TIMEOUT_SECONDS, TimeUnit.SECONDS)
          .join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw e.getCause() instanceof RuntimeException known ? known : e;
    }
  }

  @Override
  public float[] logits() {
    return model.apply(Arrays.copyOf(cache, length));
  }

  @Override
  public void keepAlive() {
    checkBroken();
  }

  /** Ends the step or connect that waits. */
  void breakWait(Throwable cause) {
    interruption.completeExceptionally(cause);
  }

  @Override
  public void abort() {
    breakWait(new IllegalStateException("step aborted"));
  }

  @Override
  public void fail(RuntimeException cause) {
    failure = cause;
    breakWait(cause);
  }

  @Override
  public RankStatistics statistics() {
    return new RankStatistics(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  @Override
  public void close() {
    closed = true;
    if (brokenClose) {
      throw new IllegalStateException("already unmapped");
    }
  }
}
