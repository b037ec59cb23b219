package org.kithlm.coordinator.http;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.Generation;
import org.kithlm.coordinator.generation.GenerationListener;
import org.kithlm.coordinator.generation.GenerationListener.Candidate;
import org.kithlm.coordinator.generation.GenerationListener.Token;
import org.kithlm.coordinator.generation.GenerationListener.Usage;
import org.kithlm.coordinator.generation.GenerationRefusedException;
import org.kithlm.coordinator.generation.GenerationRequest;
import org.kithlm.coordinator.generation.ModelCard;
import org.kithlm.model.constraint.Grammar;
import org.kithlm.model.constraint.TokenConstraint;
import org.kithlm.model.gguf.GgufMetadata;
import org.kithlm.model.sampling.Sampler;
import org.kithlm.model.tokenizer.Tokenizer;

/**
 * An engine without a model: a token is a character, and a script says what is made of a prompt.
 * Each generation runs on a thread of the fake.
 */
final class FakeChatService implements ChatService, AutoCloseable {
  static final String MODEL = "fake:1b/q8";
  static final int CONTEXT_LENGTH = 1000;
  static final long CREATED = 1_700_000_000L;
  static final int CACHED_TOKENS = 2;
  static final int VOCABULARY = 128;
  private static final int END = 0;
  private static final Tokenizer CHARACTERS = characters();

  /** What happens in a generation. */
  interface Script {
    void run(Run run) throws InterruptedException;
  }

  private final ExecutorService threads = Executors.newCachedThreadPool();

  /** Generations in the order in which they were asked for. */
  final BlockingQueue<Run> runs = new LinkedBlockingQueue<>();

  volatile Script script = run -> run.say("Hello").finish(FinishReason.STOP);
  volatile boolean brokenTokenizer;
  volatile Health health = new Health(true, "1 rank");
  volatile GenerationRefusedException.@Nullable Reason refusal;

  /** One generation, as its script sees it. */
  static final class Run implements Generation {
    final GenerationRequest request;
    final CountDownLatch cancelled = new CountDownLatch(1);
    private final GenerationListener listener;
    private int choice; // that tokens belong to
    private int made;

    Run(GenerationRequest request, GenerationListener listener) {
      this.request = request;
      this.listener = listener;
    }

    /** A token per character; the candidates are the character and those after it. */
    Run say(String text) {
      for (int c : text.chars().toArray()) {
        token(c, Character.toString(c));
      }
      return this;
    }

    /** Says hello up to the token limit, or what the grammar asks for, in each text. */
    void sayWithinLimit() {
      for (int text = 0; text < request.choices().count(); text++) {
        if (text > 0 && request.choices().firstFinish()) {
          of(text).end(FinishReason.ABANDONED, "");
        } else if (request.grammar() != null) {
          of(text).sayWithinGrammar();
        } else {
          int length = Math.min(5, request.maxTokens());
          of(text)
              .say("Hello".substring(0, length))
              .end(length < 5 ? FinishReason.LENGTH : FinishReason.STOP, "");
        }
      }
      finish();
    }

    /** Says what a model without a clue does within the grammar. */
    private void sayWithinGrammar() {
      Grammar grammar = Objects.requireNonNull(request.grammar());
      TokenConstraint constraint = new TokenConstraint(grammar, CHARACTERS);
      Random random = new Random(request.sampling().seed() + choice);
      Sampler sampler = new Sampler(request.sampling());
      float[] logits = new float[VOCABULARY];
      int left = request.maxTokens();
      while (!constraint.isFinal() && left > 0) {
        for (int token = 0; token < VOCABULARY; token++) {
          logits[token] = (float) random.nextGaussian() + (token == '"' ? 1 : 0);
        }
        constraint.limit(left);
        int token = sampler.choose(logits, new int[0], 0, 0, 0, constraint).token();
        if (token == END) {
          break;
        }
        constraint.accept(token);
        token(token, Character.toString(token));
        left--;
      }
      end(constraint.isComplete() ? FinishReason.STOP : FinishReason.LENGTH, "");
    }

    /** A token whose text is held back or joined to another's. */
    Run token(int id, String text) {
      List<Candidate> top =
          IntStream.range(0, request.topLogprobs())
              .mapToObj(i -> new Candidate(id + i, -0.5f - i))
              .toList();
      made++;
      listener.onToken(choice, new Token(id, text, -0.5f, top));
      return this;
    }

    void finish(FinishReason reason) {
      finish(reason, "");
    }

    /** Ends the text, and with it the answer. */
    void finish(FinishReason reason, String tail) {
      end(reason, tail);
      finish();
    }

    /** What follows is of this text. */
    Run of(int text) {
      choice = text;
      return this;
    }

    /** Ends the text that was spoken of last. */
    Run end(FinishReason reason, String tail) {
      listener.onChoice(choice, reason, tail);
      return this;
    }

    /** Ends the answer, whose texts have ended. */
    void finish() {
      listener.onFinished(usage());
    }

    void endCancelled() {
      listener.onCancelled(usage());
    }

    private Usage usage() {
      return new Usage(request.prompt().length, CACHED_TOKENS, made, 12.5, 80);
    }

    void fail(String message) {
      listener.onFailed(message);
    }

    void refuse(String message) {
      listener.onNotReady(message);
    }

    /** Waits like a prefill: until the client has gone. */
    void awaitCancel() throws InterruptedException {
      cancelled.await();
      endCancelled();
    }

    /** Whether it was cancelled before the deadline of a test. */
    boolean wasCancelled() throws InterruptedException {
      return cancelled.await(20, TimeUnit.SECONDS);
    }

    @Override
    public void cancel() {
      cancelled.countDown();
    }
  }

  private static Tokenizer characters() {
    List<String> tokens =
        IntStream.range(0, VOCABULARY).mapToObj(c -> String.format("<0x%02X>", c)).toList();
    long[] types = new long[VOCABULARY];
    Arrays.fill(types, 6); // byte
    types[END] = 3; // control
    return Tokenizer.from(
        new GgufMetadata(
            Map.of(
                "tokenizer.ggml.model",
                "llama",
                "tokenizer.ggml.tokens",
                tokens,
                "tokenizer.ggml.token_type",
                types,
                "tokenizer.ggml.scores",
                new float[VOCABULARY],
                "tokenizer.ggml.eos_token_id",
                (long) END,
                "tokenizer.ggml.add_bos_token",
                false)));
  }

  /** The next generation, waited for. */
  Run nextRun() throws InterruptedException {
    Run run = runs.poll(20, TimeUnit.SECONDS);
    if (run == null) {
      throw new AssertionError("no generation was asked for");
    }
    return run;
  }

  @Override
  public Model model() {
    return new Model(MODEL, CREATED, CONTEXT_LENGTH, VOCABULARY);
  }

  @Override
  public ModelCard card() {
    return new ModelCard(
        "llama", "1B", "Q8_0", 16, 2048, "{{ messages }}", 1_100_000_000, "c0ffee");
  }

  @Override
  public Health health() {
    return health;
  }

  @Override
  public int[] tokenize(String text) {
    return text.chars().toArray();
  }

  @Override
  public String tokenText(int token) {
    return token < 0x80 ? String.valueOf((char) token) : "\uFFFD";
  }

  @Override
  public byte[] tokenBytes(int token) {
    return token < 0x80
        ? String.valueOf((char) token).getBytes(StandardCharsets.UTF_8)
        : new byte[] {(byte) token};
  }

  @Override
  public int[] tokenizeChat(List<Message> messages, List<Map<String, Object>> tools) {
    if (brokenTokenizer) {
      throw new IllegalStateException("a secret of the engine");
    }
    StringBuilder text = new StringBuilder();
    for (Message message : messages) {
      if (message.content().equals("unspeakable")) {
        throw new IllegalArgumentException("the template does not like it");
      }
      text.append(message.role()).append('=').append(message.content());
      text.append(message.extra().isEmpty() ? "" : message.extra()).append(';');
    }
    text.append(tools.isEmpty() ? "" : tools);
    return tokenize(text.toString());
  }

  @Override
  public Generation generate(GenerationRequest request, GenerationListener listener) {
    GenerationRefusedException.Reason reason = refusal;
    if (reason != null) {
      throw new GenerationRefusedException(reason, "refused as " + reason);
    }
    if (request.prompt().length >= CONTEXT_LENGTH) {
      throw new GenerationRefusedException(
          GenerationRefusedException.Reason.CONTEXT_LENGTH_EXCEEDED,
          "prompt=" + request.prompt().length + " context=" + CONTEXT_LENGTH);
    }
    Run run = new Run(request, listener);
    runs.add(run);
    Script current = script;
    threads.execute(
        () -> {
          try {
            current.run(run);
          } catch (InterruptedException e) {
            run.fail("the fake engine stops");
          }
        });
    return run;
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
