package org.kithlm.deploy.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.cluster.ClusterHome;
import org.kithlm.deploy.cluster.LogTail;
import org.kithlm.deploy.cluster.Redaction;
import org.kithlm.deploy.cluster.RunLogs;
import org.kithlm.deploy.cluster.StateFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith support-bundle}. */
@Command(
    name = "support-bundle",
    description = {
      "Put what helps to find a fault into a zip file: versions, the state of the cluster, its",
      "devices and the end of the logs, without prompts, answers, join tokens and keys."
    })
public final class SupportBundleCommand implements Callable<Integer> {
  private static final int LOG_LINES = 5_000;
  private static final DateTimeFormatter NOW = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss");

  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private Kith kith;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @SuppressWarnings("UnusedVariable") // found again by its name when the command fails
  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @Option(
      names = "--output",
      paramLabel = "FILE",
      description = "Where to write it (default: kith-support-TIME.zip here).")
  private @Nullable Path output;

  @Override
  public Integer call() throws IOException {
    Path file =
        output != null
            ? output
            : Path.of(
                "kith-support-" + NOW.format(LocalDateTime.now(ZoneId.systemDefault())) + ".zip");
    try (ZipOutputStream zip =
        new ZipOutputStream(Files.newOutputStream(file, StandardOpenOption.CREATE_NEW))) {
      add(zip, "about.txt", about());
      Optional<StateFile.State> state = new StateFile(kith.home()).read();
      if (state.isPresent()) {
        add(zip, "cluster.json", Json.MAPPER.writeValueAsString(state.get()));
      }
      add(
          zip,
          "nodes.json",
          Json.MAPPER.writeValueAsString(new ClusterHome(kith.home()).nodes().list()));
      for (Path log : RunLogs.newest(kith.home().subfolder("logs"))) {
        add(zip, "logs/" + log.getFileName(), String.join("\n", LogTail.of(log, LOG_LINES)));
      }
    }
    spec.commandLine().getOut().println(file);
    return ExitCode.OK.code();
  }

  private String about() {
    Runtime runtime = Runtime.getRuntime();
    return """
    %s
    Java %s of %s
    %s %s on %s
    %d processors, heap of at most %d bytes
    """
        .formatted(
            String.join("\n", spec.root().version()),
            System.getProperty("java.version"),
            System.getProperty("java.vendor"),
            System.getProperty("os.name"),
            System.getProperty("os.version"),
            System.getProperty("os.arch"),
            runtime.availableProcessors(),
            runtime.maxMemory());
  }

  private static void add(ZipOutputStream zip, String name, String text) throws IOException {
    zip.putNextEntry(new ZipEntry(name));
    zip.write(Redaction.of(text).getBytes(StandardCharsets.UTF_8));
    zip.closeEntry();
  }
}
