package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.kithlm.coordinator.membership.ClusterView;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.catalog.ByteSize;
import org.kithlm.deploy.cluster.StateFile;
import org.kithlm.node.control.CollectiveReport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith ps}. */
@Command(name = "ps", description = "Show the cluster that this machine leads.")
public final class PsCommand implements Callable<Integer> {
  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private Kith kith;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @Override
  public Integer call() throws IOException {
    StateFile.State state =
        new StateFile(kith.home())
            .read()
            .orElseThrow(
                () ->
                    new KithException(
                        ExitCode.UNREACHABLE,
                        "no cluster is led from here; start one with kith up MODEL"));
    PrintWriter out = spec.commandLine().getOut();
    if (common.json()) {
      out.println(Json.MAPPER.writeValueAsString(state));
      return ExitCode.OK.code();
    }
    out.println(state.model() + " at " + state.endpoint() + ", " + state.phase());
    out.printf(
        "%-5s%-16s%-9s%-22s%-12s%-7s%s%n",
        "RANK", "NAME", "PID", "ADDRESS", "STATE", "SHARE", "WEIGHTS");
    for (ClusterView.NodeView node : state.nodes()) {
      out.printf(
          "%-5s%-16s%-9d%-22s%-12s%-7s%s%n",
          node.rank() < 0 ? "-" : Integer.toString(node.rank()),
          node.name(),
          node.pid(),
          node.address(),
          node.state(),
          String.format(Locale.ROOT, "%.1f%%", 100 * node.share()),
          ByteSize.format(node.residentBytes()));
      if (node.shareReason() != null) {
        out.println("     " + node.shareReason());
      }
      if (node.lastError() != null) {
        out.println("     " + node.lastError());
      }
    }
    if (state.sums() != null) {
      print(out, state.sums());
    }
    return ExitCode.OK.code();
  }

  private static void print(PrintWriter out, CollectiveReport sums) {
    if (sums.payloads().isEmpty()) {
      out.println("sums: none, there is one rank");
      return;
    }
    out.print("sums: " + sums.choice() + (sums.sealed() ? ", sealed" : ", readable"));
    CollectiveReport.Links links = sums.links();
    if (links != null) {
      out.printf(
          "; links: one way %.2f ms to the root and %.2f ms between any two, %s/s, %.0f us of CPU"
              + " per datagram",
          links.rootLatencyMs(),
          links.leafLatencyMs(),
          ByteSize.format(links.bytesPerSecond()),
          links.datagramUs());
    }
    out.println();
    for (CollectiveReport.Payload payload : sums.payloads()) {
      out.printf(
          "     %-8s %-8s by %s",
          payload.step(), ByteSize.format(payload.lengthBytes()), payload.form());
      if (!payload.predictedMs().isEmpty()) {
        out.print("; expected: ");
        out.print(
            payload.predictedMs().entrySet().stream()
                .map(form -> "%s %.2f ms".formatted(form.getKey(), form.getValue()))
                .collect(Collectors.joining(", ")));
      }
      out.println();
    }
  }
}
