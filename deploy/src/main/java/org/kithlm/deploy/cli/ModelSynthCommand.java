package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.catalog.ByteSize;
import org.kithlm.deploy.catalog.Synthesizer;
import org.kithlm.deploy.catalog.SyntheticShape;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith model synth}. */
@Command(
    name = "synth",
    description =
        "Make a model of a real shape with made-up weights, to try memory and speed without it.")
final class ModelSynthCommand implements Callable<Integer> {
  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private ModelCommand parent;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Option(
      names = "--shape",
      paramLabel = "SHAPE",
      required = true,
      converter = Shape.class,
      description = "stories-110m, llama2-7b, llama2-13b, llama2-34b, llama2-70b or llama3-8b.")
  private SyntheticShape shape;

  @Option(
      names = "--quant",
      paramLabel = "TYPE",
      defaultValue = "q4_k",
      description = "Type of the matrices: q4_k (default).")
  private String quant = "q4_k";

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "Name of the model (default: synth-SHAPE).")
  private @Nullable String name;

  @Option(
      names = "--seed",
      paramLabel = "SEED",
      defaultValue = "1",
      description = "Of the weights (default: 1).")
  private long seed;

  @Option(
      names = "--ranks",
      paramLabel = "N",
      defaultValue = "1",
      description = "Leave out what --rank does not need in a cluster of N equal ranks.")
  private int ranks;

  @Option(
      names = "--rank",
      paramLabel = "R",
      defaultValue = "0",
      description = "0 for the machine that leads the cluster (default: 0).")
  private int rank;

  /** The answer for programs. */
  private record Report(String name, String pack, long bytes) {}

  @Override
  public Integer call() throws IOException {
    if (!quant.equals("q4_k")) {
      throw new KithException(ExitCode.USAGE, "--quant " + quant + " is not q4_k");
    }
    if (ranks < 1 || rank < 0 || rank >= ranks) {
      throw new KithException(
          ExitCode.USAGE, "--rank " + rank + " is not one of 0 to --ranks " + ranks + " less 1");
    }
    String model = name == null ? "synth-" + shape : name;
    ConsoleProgress progress = ConsoleProgress.create(spec.commandLine().getErr(), common.json());
    Path pack =
        new Synthesizer(parent.kith().home(), progress).make(model, shape, seed, ranks, rank);
    Report report = new Report(model, pack.toString(), Files.size(pack));
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        common.json()
            ? Json.MAPPER.writeValueAsString(report)
            : report.name() + ": " + ByteSize.format(report.bytes()) + " in " + report.pack());
    return ExitCode.OK.code();
  }

  /** Its words. */
  static final class Shape extends WordConverter<SyntheticShape> {
    Shape() {
      super(SyntheticShape.values());
    }
  }
}
