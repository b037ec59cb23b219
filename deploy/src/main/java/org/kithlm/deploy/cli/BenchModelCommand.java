package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.bench.ModelBench;
import org.kithlm.deploy.cluster.Server;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.HeadPlacement;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.EpochKey;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.SumPrecision;
import org.kithlm.node.rank.RootRank;
import org.kithlm.node.shard.PackRootLoader;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith bench model MODEL}. */
@Command(
    name = "model",
    description =
        "Measure a model on this machine alone, with llama-bench's tests: prompts (pp) and decoding"
            + " (tg).")
public final class BenchModelCommand implements Callable<Integer> {
  private static final String HOST = "127.0.0.1";

  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private BenchCommand bench;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @Mixin private final KvTypeOption kvType = new KvTypeOption();

  @Mixin private final ThreadsOption threads = new ThreadsOption();

  @Mixin private final KernelsOption kernels = new KernelsOption();

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Parameters(paramLabel = "MODEL", description = "Its name, as kith list shows it.")
  private String model;

  @Option(
      names = "--prompt-tokens",
      paramLabel = "N",
      split = ",",
      defaultValue = "64,512",
      description = "Lengths of prompts (default: ${DEFAULT-VALUE}).")
  private List<Integer> promptTokens = List.of();

  @Option(
      names = "--decode-tokens",
      paramLabel = "N",
      defaultValue = "64",
      description = "Tokens to decode (default: ${DEFAULT-VALUE}).")
  private int decodeTokens;

  @Option(
      names = "--repetitions",
      paramLabel = "R",
      defaultValue = "5",
      description = "Of each test (default: ${DEFAULT-VALUE}).")
  private int repetitions;

  /** The answer for programs. */
  private record Answer(
      String model, int threads, String kernels, List<ModelBench.Result> results) {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    requirePositive("--repetitions", repetitions);
    requirePositive("--decode-tokens", decodeTokens);
    promptTokens.forEach(count -> requirePositive("--prompt-tokens", count));
    Kith kith = bench.kith();
    String kernelsUsed = kernels.choose(kith.home()).kind();
    ServedModel served = ServedModel.of(model, kith, spec, common.json());
    int threadCount = threads.threads(1);
    List<ModelBench.Result> results = new ArrayList<>();
    try (Pack pack = Pack.open(served.pack())) {
      ModelConfig config = pack.config();
      int longest = Math.max(decodeTokens, promptTokens.stream().max(Integer::compare).orElse(1));
      if (longest > config.contextLength()) {
        throw new KithException(
            ExitCode.USAGE,
            "%d tokens are more than the context of %s (%d); ask for fewer"
                .formatted(longest, model, config.contextLength()));
      }
      RankAssignment alone =
          new RankAssignment(
              1,
              0,
              List.of(1.0),
              AttentionPlacement.SPLIT,
              HeadPlacement.ROOT,
              pack.id(),
              longest,
              kvType.type(),
              Server.MAX_TOKENS,
              CollectiveChoice.STAR,
              SumPrecision.EXACT,
              EpochKey.create());
      try (RootRank rank = load(served, alone, threadCount)) {
        rank.connect(
            List.of(new NodeMessage.Peer(0, HOST, rank.dataPort(), rank.maxTokens())),
            RootRank.LONGEST_WARM_UP);
        ModelBench measurement = new ModelBench(rank, config.vocabularySize(), repetitions);
        promptTokens.forEach(count -> results.add(measurement.prefill(count)));
        results.add(measurement.decode(decodeTokens));
      }
    }
    print(new Answer(model, threadCount, kernelsUsed, results));
    return ExitCode.OK.code();
  }

  private static RootRank load(ServedModel served, RankAssignment alone, int threads) {
    try {
      return new PackRootLoader(served.pack(), HOST, threads, threads, Long.MAX_VALUE, null)
          .load(alone)
          .toCompletableFuture()
          .join();
    } catch (CompletionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new KithException(ExitCode.OTHER, String.valueOf(cause.getMessage()), cause);
    }
  }

  private static void requirePositive(String option, int value) {
    if (value < 1) {
      throw new KithException(ExitCode.USAGE, option + " " + value + " must be at least 1");
    }
  }

  private void print(Answer answer) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    if (common.json()) {
      out.println(Json.MAPPER.writeValueAsString(answer));
      return;
    }
    out.printf("%s, %d threads, %s kernels%n", answer.model(), answer.threads(), answer.kernels());
    for (ModelBench.Result result : answer.results()) {
      out.printf(
          "%-8s%10.2f tokens/s  +- %.2f%n",
          result.test(), result.tokensPerSecond(), result.deviation());
    }
  }
}
