package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.catalog.ByteSize;
import org.kithlm.memory.DiskProbe;
import org.kithlm.memory.MemoryLimit;
import org.kithlm.model.kernel.KernelChoice;
import org.kithlm.model.kernel.KernelComparison;
import org.kithlm.model.kernel.NativeKernels;
import org.kithlm.model.kernel.NativeLibrary;
import org.kithlm.model.kernel.Processor;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith doctor}: what this machine has that speed depends on. */
@Command(
    name = "doctor",
    description = "Tell what this machine has that speed depends on, and build native kernels.")
public final class DoctorCommand implements Callable<Integer> {
  /** Instruction sets that kernels use, as Linux calls them. */
  private static final Set<String> OF_INTEREST =
      Set.of(
          "avx2",
          "fma",
          "avx_vnni",
          "avx512f",
          "avx512bw",
          "avx512_vnni",
          "amx_int8",
          "asimd",
          "asimddp",
          "i8mm",
          "sve");

  private static final Duration DISK_TEST = Duration.ofSeconds(1);

  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private Kith kith;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @Option(
      names = "--build-native",
      description = {
        "Compile native kernels with this machine's C compiler and compare them with those in"
            + " Java;",
        "they are kept if they give the same bits and are faster."
      })
  private boolean buildNative;

  /** The answer for programs. */
  private record Answer(
      String jdk,
      String cpu,
      Set<String> cpuFeatures,
      int processors,
      @Nullable String compiler,
      String kernels,
      String kernelsReason,
      @Nullable List<KernelComparison> comparison,
      @Nullable Long memoryBytes,
      double diskBytesPerSecond) {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    Path folder = kith.home().nativeFolder();
    List<KernelComparison> comparison = buildNative ? build(folder) : null;
    KernelChoice choice = KernelChoice.find(KernelChoice.Wish.AUTO, folder);
    Set<String> features = new TreeSet<>(Processor.features());
    features.retainAll(OF_INTEREST);
    OptionalLong memory = MemoryLimit.bytes();
    print(
        new Answer(
            System.getProperty("java.vm.vendor") + " " + Runtime.version(),
            Processor.name() + " (" + Processor.architecture() + ")",
            features,
            Runtime.getRuntime().availableProcessors(),
            NativeLibrary.compiler().map(Path::toString).orElse(null),
            choice.kind(),
            choice.reason(),
            comparison,
            memory.isPresent() ? memory.getAsLong() : null,
            DiskProbe.bytesPerSecond(kith.home().subfolder("."), DISK_TEST)));
    return ExitCode.OK.code();
  }

  /** Builds, compares and keeps what is worth it. */
  private List<KernelComparison> build(Path folder) throws InterruptedException {
    Path library;
    try {
      kith.home().subfolder(folder.getFileName().toString());
      library = NativeLibrary.build(folder);
    } catch (IOException e) {
      throw new KithException(ExitCode.OTHER, "cannot build native kernels: " + e.getMessage(), e);
    }
    KernelChoice choice = KernelChoice.find(KernelChoice.Wish.AUTO, folder);
    NativeKernels kernels = choice.kernels();
    if (kernels == null) {
      discard(library);
      throw new KithException(ExitCode.OTHER, "native kernels are not kept: " + choice.reason());
    }
    List<KernelComparison> comparison = KernelComparison.measure(kernels);
    if (!KernelComparison.areFaster(comparison)) {
      discard(library);
    }
    return comparison;
  }

  private static void discard(Path library) {
    try {
      Files.delete(library);
    } catch (IOException e) {
      throw new KithException(ExitCode.OTHER, "cannot delete " + library + ": " + e, e);
    }
  }

  private void print(Answer answer) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    if (common.json()) {
      out.println(Json.MAPPER.writeValueAsString(answer));
      return;
    }
    line(out, "JDK", answer.jdk());
    line(out, "CPU", answer.cpu() + ", " + answer.processors() + " processors");
    line(out, "features", String.join(" ", answer.cpuFeatures()));
    line(out, "C compiler", answer.compiler() == null ? "none in PATH" : answer.compiler());
    line(out, "kernels", answer.kernels() + ": " + answer.kernelsReason());
    line(
        out,
        "memory",
        answer.memoryBytes() == null
            ? "unknown"
            : ByteSize.format(answer.memoryBytes()) + " for a node");
    line(out, "disk", ByteSize.format((long) answer.diskBytesPerSecond()) + "/s read");
    if (answer.comparison() != null) {
      out.printf(
          "%n%-6s%12s%12s%8s%14s%14s%8s   GFLOP/s of one thread%n",
          "type", "1 token", "native", "times", "64 tokens", "native", "times");
      for (KernelComparison type : answer.comparison()) {
        out.printf(
            "%-6s%12.0f%12.0f%8.2f%14.0f%14.0f%8.2f%n",
            type.type(),
            2 * type.javaOne(),
            2 * type.nativeOne(),
            type.nativeOne() / type.javaOne(),
            2 * type.javaMany(),
            2 * type.nativeMany(),
            type.nativeMany() / type.javaMany());
      }
    }
  }

  private static void line(PrintWriter out, String what, String value) {
    out.printf("%-12s%s%n", what, value);
  }
}
