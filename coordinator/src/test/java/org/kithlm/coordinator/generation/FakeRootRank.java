package org.kithlm.coordinator.generation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.StringJoiner;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.sampling.LikeliestTokens;
import org.kithlm.model.transformer.StepRuns;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankStatistics;
import org.kithlm.node.control.SumPrecision;
import org.kithlm.node.rank.RootRank;

/**
 * A root without ranks or weights. Its logits depend on all tokens that its cache holds, as those
 * of a model do, and it insists on what RootRank asks of its callers.
 */
final class FakeRootRank implements RootRank {
  static final int MAX_TOKENS = 4;
  static final int TIMEOUT_SECONDS = 20;

  /** Steps as "position+count", in order; runs of branches with "sequence/stemLength:" before. */
  final List<String> steps = new ArrayList<>();

  /** A step each, put in when it begins. */
  final BlockingQueue<String> begun = new LinkedBlockingQueue<>();

  volatile Function<int[], float[]> model = FakeRootRank::mixed;
  volatile boolean closed;
  volatile Duration warmUp = Duration.ZERO;
  volatile boolean brokenClose;

  /** A text that disks have, of which they tell four tokens together. */
  volatile int[] disk = {};

  /** How long the stem was when it was kept, each time. */
  final List<Integer> kept = new ArrayList<>();

  /** What goes wrong in a step or while idle, null for nothing. */
  volatile Supplier<@Nullable RuntimeException> broken = () -> null;

  private volatile CompletableFuture<Void> gate = CompletableFuture.completedFuture(null);
  private volatile CompletableFuture<Void> interruption = new CompletableFuture<>();
  private volatile @Nullable RuntimeException failure;
  private final Map<Integer, Held> held = new HashMap<>(); // by sequence
  private final StepRuns lastRuns = new StepRuns();

  /** Tokens that a sequence holds; a branch also those of the stem. */
  private record Held(int stemLength, int[] tokens) {}

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
    return new CollectiveReport(CollectiveChoice.STAR, SumPrecision.EXACT, true, null, List.of());
  }

  @Override
  public int maxTokens() {
    return MAX_TOKENS;
  }

  @Override
  public void step(int[] tokens, int offset, StepRuns runs) {
    if (runs.tokenCount() < 1 || runs.tokenCount() > MAX_TOKENS) {
      throw new AssertionError("tokens=" + runs.tokenCount());
    }
    StringJoiner names = new StringJoiner(" ");
    for (int run = 0; run < runs.count(); run++) {
      prepare(runs.sequence(run), runs.stemLength(run), runs.startPosition(run));
      String branch =
          runs.sequence(run) == StepRuns.STEM && runs.stemLength(run) == 0
              ? ""
              : runs.sequence(run) + "/" + runs.stemLength(run) + ":";
      names.add(branch + runs.startPosition(run) + "+" + runs.tokenCount(run));
    }
    steps.add(names.toString());
    begin(names.toString());
    checkBroken();
    for (int run = 0; run < runs.count(); run++) {
      int start = runs.startPosition(run);
      Held before = held(runs.sequence(run));
      int[] after = Arrays.copyOf(before.tokens(), start + runs.tokenCount(run));
      int from = offset + runs.firstToken(run);
      System.arraycopy(tokens, from, after, start, runs.tokenCount(run));
      held.put(runs.sequence(run), new Held(before.stemLength(), after));
    }
    lastRuns.set(runs);
  }

  @Override
  public int restore(int[] tokens, int length, int heldCount) {
    checkBroken();
    prepare(StepRuns.STEM, 0, heldCount);
    int mismatch = Arrays.mismatch(disk, 0, disk.length, tokens, 0, length - 1);
    int found = (mismatch < 0 ? length - 1 : mismatch) / 4 * 4;
    int filled = Math.max(heldCount, found);
    held.put(StepRuns.STEM, new Held(0, Arrays.copyOf(tokens, filled)));
    return filled;
  }

  @Override
  public void keep(int[] tokens, int length) {
    if (!Arrays.equals(Arrays.copyOf(tokens, length), held(StepRuns.STEM).tokens())) {
      throw new AssertionError("not the stem");
    }
    kept.add(length);
  }

  private Held held(int sequence) {
    return held.getOrDefault(sequence, new Held(0, new int[0]));
  }

  /** As in a KV cache: a branch begins with the stem, and goes when that does not keep it. */
  private void prepare(int sequence, int stemLength, int start) {
    boolean keepsNone = sequence == StepRuns.STEM && stemLength == 0;
    held.entrySet()
        .removeIf(
            e ->
                e.getKey() != StepRuns.STEM
                    && (keepsNone || e.getValue().stemLength() != stemLength));
    if (sequence != StepRuns.STEM && held(sequence).stemLength() != stemLength) {
      int[] stem = held(StepRuns.STEM).tokens();
      if (stem.length < stemLength) {
        throw new AssertionError("stem=" + stem.length + " for a branch at " + stemLength);
      }
      held.put(sequence, new Held(stemLength, Arrays.copyOf(stem, stemLength)));
    }
    Held now = held(sequence);
    if (start > now.tokens().length) {
      throw new AssertionError("start=" + start + " of " + sequence + " holds " + now);
    }
    held.put(sequence, new Held(now.stemLength(), Arrays.copyOf(now.tokens(), start)));
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
  public float[] logits(int run) {
    float[] logits = model.apply(held(lastRuns.sequence(run)).tokens());
    int wanted = lastRuns.wantedLogits();
    if (wanted == 0) {
      throw new AssertionError("no logits were wanted of " + steps.getLast());
    }
    if (wanted >= logits.length) {
      return logits;
    }
    float[] likeliest = new float[logits.length];
    Arrays.fill(likeliest, Float.NEGATIVE_INFINITY);
    LikeliestTokens tokens = new LikeliestTokens();
    tokens.select(logits, 0, logits.length, wanted);
    for (int i = 0; i < wanted; i++) {
      likeliest[tokens.token(i)] = logits[tokens.token(i)];
    }
    return likeliest;
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
    return new RankStatistics(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, null);
  }

  @Override
  public void close() {
    closed = true;
    if (brokenClose) {
      throw new IllegalStateException("already unmapped");
    }
  }
}
