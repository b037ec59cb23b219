package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.bench.KernelBench;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.kernel.WorkerPool;
import org.kithlm.model.kernel.Workers;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith bench kernels}. */
@Command(
    name = "kernels",
    description = {
      "Measure the matrix kernels on weights that no cache holds, beside the rate at which the"
          + " same",
      "threads read memory: a decoding kernel can be no faster than that."
    })
public final class BenchKernelsCommand implements Callable<Integer> {
  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private BenchCommand bench;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @Mixin private final ThreadsOption threads = new ThreadsOption();

  @Mixin private final KernelsOption kernels = new KernelsOption();

  @Option(
      names = "--types",
      paramLabel = "TYPE",
      split = ",",
      description = "Types of weights (default: all): ${COMPLETION-CANDIDATES}.")
  private List<GgmlType> types = List.of(GgmlType.values());

  /** The answer for programs. */
  private record Answer(
      int threads, String kernels, double streamGbPerSecond, List<KernelBench.Result> results) {}

  @Override
  public Integer call() throws IOException {
    int threadCount = threads.threads(1);
    String kernelsUsed = kernels.choose(bench.kith().home()).kind();
    try (Workers workers = WorkerPool.of(threadCount);
        KernelBench bench = new KernelBench(workers)) {
      List<KernelBench.Result> results = new ArrayList<>();
      double stream = bench.streamGbPerSecond();
      for (GgmlType type : types) {
        results.add(bench.measure(type));
      }
      print(new Answer(threadCount, kernelsUsed, stream, results));
    }
    return ExitCode.OK.code();
  }

  private void print(Answer answer) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    if (common.json()) {
      out.println(Json.MAPPER.writeValueAsString(answer));
      return;
    }
    out.printf(
        "%d threads, %s kernels; they read memory at %.1f GB/s%n",
        answer.threads(), answer.kernels(), answer.streamGbPerSecond());
    out.printf(
        "%-6s%14s%12s%14s%16s%n", "type", "decode GB/s", "of stream", "GFLOP/s", "prefill GFLOP/s");
    for (KernelBench.Result result : answer.results()) {
      out.printf(
          "%-6s%14.1f%11.0f%%%14.1f%16.1f%n",
          result.type(),
          result.decodeGbPerSecond(),
          100 * result.decodeGbPerSecond() / answer.streamGbPerSecond(),
          result.decodeGflops(),
          result.prefillGflops());
    }
  }
}
