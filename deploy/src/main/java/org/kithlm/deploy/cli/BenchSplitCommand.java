package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.bench.SplitBench;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.HeadPlacement;
import org.kithlm.model.transformer.KvType;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.EpochKey;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.SumPrecision;
import org.kithlm.node.rank.LoneRank;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith bench split MODEL}. */
@Command(
    name = "split",
    description = {
      "Measure what each rank's share of a model costs to decode, without the sums over ranks,"
          + " beside",
      "all of it on one rank: what every rank does again is time that more nodes do not save. The",
      "model is read into memory twice."
    })
public final class BenchSplitCommand implements Callable<Integer> {
  private static final int POSITIONS = 32;
  private static final int TOKENS = 1;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private BenchCommand bench;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @Mixin private final ThreadsOption threads = new ThreadsOption();

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Parameters(paramLabel = "MODEL", description = "Its name, as kith list shows it.")
  private String model;

  @Option(
      names = {"-n", "--nodes"},
      paramLabel = "N",
      defaultValue = "4",
      description = "Ranks with equal shares (default: ${DEFAULT-VALUE}).")
  private int nodes;

  @Option(
      names = "--turns",
      paramLabel = "R",
      defaultValue = "10",
      description = "Turns of each rank, of 32 tokens (default: ${DEFAULT-VALUE}).")
  private int turns;

  /** The answer for programs. */
  private record Answer(String model, int threads, List<SplitBench.Result> results) {}

  /** A rank as the benchmark sees it. */
  private record Share(LoneRank rank) implements SplitBench.Decoder {
    @Override
    public void step(int position) {
      rank.step(TOKENS, position);
    }

    @Override
    public long layerBytes() {
      return rank.layerBytes();
    }
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (nodes < 1 || turns < 1) {
      throw new KithException(
          ExitCode.USAGE, "-n %d and --turns %d must be at least 1".formatted(nodes, turns));
    }
    Kith kith = bench.kith();
    ServedModel served = ServedModel.of(model, kith, spec, common.json());
    int threadCount = threads.threads(1);
    List<LoneRank> ranks = new ArrayList<>();
    try {
      ranks.add(LoneRank.load(served.pack(), assignment(served, 0, 1), threadCount));
      for (int rank = 0; rank < nodes; rank++) {
        ranks.add(LoneRank.load(served.pack(), assignment(served, rank, nodes), threadCount));
      }
      List<Share> shares = ranks.stream().map(Share::new).toList();
      List<SplitBench.Result> results =
          new SplitBench(turns, POSITIONS)
              .measure(shares.getFirst(), shares.subList(1, shares.size()));
      print(new Answer(model, threadCount, results));
    } finally {
      ranks.forEach(LoneRank::close);
    }
    return ExitCode.OK.code();
  }

  private static RankAssignment assignment(ServedModel served, int rank, int worldSize)
      throws IOException {
    try (Pack pack = Pack.open(served.pack())) {
      return new RankAssignment(
          1,
          rank,
          Collections.nCopies(worldSize, 1.0),
          AttentionPlacement.SPLIT,
          HeadPlacement.ROOT,
          pack.id(),
          POSITIONS,
          KvType.F16,
          TOKENS,
          CollectiveChoice.STAR,
          SumPrecision.EXACT,
          EpochKey.create());
    }
  }

  private void print(Answer answer) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    if (common.json()) {
      out.println(Json.MAPPER.writeValueAsString(answer));
      return;
    }
    out.printf("%s, %d threads, layers of one token%n", answer.model(), answer.threads());
    out.printf("%-8s%10s%12s%26s%n", "rank", "weights", "median ms", "of its part of the whole");
    for (SplitBench.Result result : answer.results()) {
      out.printf(
          "%-8s%9.1f%%%12.3f%26.3f%n",
          result.rank() < 0 ? "whole" : Integer.toString(result.rank()),
          100 * result.part(),
          result.medianMs(),
          result.overhead());
    }
  }
}
