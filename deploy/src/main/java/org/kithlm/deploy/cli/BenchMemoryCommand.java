package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.bench.MemoryPlot;
import org.kithlm.deploy.bench.MemoryRun;
import org.kithlm.deploy.cluster.OneAnswer;
import org.kithlm.deploy.cluster.Server;
import org.kithlm.memory.DiskRate;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.HeadPlacement;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.EpochKey;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.SumPrecision;
import org.kithlm.node.rank.RankWeights;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith bench memory MODEL}. */
@Command(
    name = "memory",
    description =
        "Answer in less and less memory on this machine, beside what its disk gives to plain"
            + " reads.")
public final class BenchMemoryCommand implements Callable<Integer> {
  private static final Duration DISK_TIME = Duration.ofSeconds(2);
  private static final Duration ANSWER_TIMEOUT = Duration.ofMinutes(30);

  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private BenchCommand bench;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @Mixin private final KvTypeOption kvType = new KvTypeOption();

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Parameters(paramLabel = "MODEL", description = "Its name, as kith list shows it.")
  private String model;

  @Option(
      names = {"-n", "--nodes"},
      paramLabel = "N",
      defaultValue = "1",
      description = "Processes (default: 1).")
  private int nodes;

  @Option(
      names = "--resident",
      paramLabel = "PERCENT",
      split = ",",
      defaultValue = "25,50,75",
      description = "Parts of the weights that memory holds (default: ${DEFAULT-VALUE}).")
  private List<Integer> percents = List.of();

  @Option(
      names = "--context",
      paramLabel = "TOKENS",
      defaultValue = "512",
      description = "Longest prompt plus answer (default: ${DEFAULT-VALUE}).")
  private int context;

  @Option(
      names = "--decode-tokens",
      paramLabel = "N",
      defaultValue = "16",
      description = "Tokens of each answer (default: ${DEFAULT-VALUE}).")
  private int tokens;

  @Option(names = "--svg", paramLabel = "FILE", description = "Draw the result.")
  private @Nullable Path svg;

  /** The answer for programs. */
  private record Report(String model, int nodes, MemoryRun unlimited, List<MemoryRun> runs) {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (nodes < 1 || tokens < 2 || context < 1) {
      throw new KithException(
          ExitCode.USAGE, "-n and --context must be at least 1, --decode-tokens 2");
    }
    Kith kith = bench.kith();
    ServedModel served = ServedModel.of(model, kith, spec, common.json());
    String name = served.stored().name();
    MemoryRun unlimited = run(name, served.pack(), Long.MAX_VALUE);
    PrintWriter out = spec.commandLine().getOut();
    if (!common.json()) {
      out.printf("%s, %d processes, %d tokens, context %d%n", name, nodes, tokens, context);
      out.printf(
          "%10s%10s%10s%9s%9s%12s%11s%11s%12s%11s%n",
          "memory MiB",
          "resident",
          "streamed",
          "tok/s",
          "ideal",
          "of ideal",
          "compute s",
          "sums s",
          "disk wait s",
          "peak MiB");
      print(out, unlimited, unlimited);
    }
    List<MemoryRun> runs = new ArrayList<>();
    for (int percent : percents.stream().sorted().toList()) {
      MemoryRun run = run(name, served.pack(), memoryBytes(served.pack(), percent / 100.0));
      runs.add(run);
      if (!common.json()) {
        print(out, run, unlimited);
      }
    }
    if (common.json()) {
      out.println(Json.MAPPER.writeValueAsString(new Report(name, nodes, unlimited, runs)));
    }
    if (svg != null) {
      String title = name + ", " + nodes + " processes";
      Files.writeString(svg, MemoryPlot.svg(title, runs, unlimited.tokensPerSecond()));
    }
    return ExitCode.OK.code();
  }

  /** What the process that needs the most must be allowed to use. */
  private long memoryBytes(Path packFile, double share) throws IOException {
    long bytes = 0;
    try (Pack pack = Pack.open(packFile)) {
      for (int rank = 0; rank < nodes; rank++) {
        RankAssignment assignment =
            new RankAssignment(
                0,
                rank,
                Collections.nCopies(nodes, 1.0),
                AttentionPlacement.SPLIT,
                HeadPlacement.ROOT,
                pack.id(),
                context,
                kvType.type(),
                Server.MAX_TOKENS,
                CollectiveChoice.SHARED_MEMORY,
                SumPrecision.EXACT,
                EpochKey.create());
        bytes = Math.max(bytes, RankWeights.processBytes(pack, assignment, share));
      }
    }
    return bytes;
  }

  private MemoryRun run(String name, Path pack, long memoryBytes)
      throws IOException, InterruptedException {
    double disk = DiskRate.bytesPerSecond(pack, DISK_TIME);
    List<String> options =
        List.of(
            "-n",
            Integer.toString(nodes),
            name,
            "--memory",
            memoryBytes == Long.MAX_VALUE ? "1T" : (memoryBytes >> 10) + "K",
            "--context",
            Integer.toString(context),
            "--kv-type",
            kvType.type().toString(),
            "--raw",
            "--prompt",
            "Hello",
            "--max-tokens",
            Integer.toString(tokens),
            "--temperature",
            "0");
    return MemoryRun.of(memoryBytes, OneAnswer.of(options, ANSWER_TIMEOUT), disk);
  }

  private static void print(PrintWriter out, MemoryRun run, MemoryRun unlimited) {
    double ideal = run.idealTokensPerSecond(unlimited.tokensPerSecond());
    out.printf(
        Locale.ROOT,
        "%10s%10.0f%10.0f%9.2f%9.2f%12.2f%11.2f%11.2f%12.2f%11.0f%n",
        run.memoryBytes() == Long.MAX_VALUE ? "all" : Long.toString(run.memoryBytes() >> 20),
        run.residentBytes() / 1e6,
        run.streamedBytesPerToken() / 1e6,
        run.tokensPerSecond(),
        ideal,
        run.tokensPerSecond() / ideal,
        run.computeMs() / 1e3,
        run.collectiveMs() / 1e3,
        run.diskWaitMs() / 1e3,
        run.peakBytes() / (double) (1 << 20));
  }
}
