package org.kithlm.deploy.cli;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.membership.ClusterView.NodeView;
import org.kithlm.deploy.catalog.ByteSize;
import org.kithlm.deploy.cluster.LiveCluster;
import org.kithlm.deploy.cluster.StateFile;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.KeptWeights;
import org.kithlm.node.control.RankStatistics;

/** A cluster as a table, for people. */
final class ClusterTable {
  private static final String ROW = "%-5s%-16s%-9s%-16s%-12s%-8s%-10s%-10s%-10s%-9s%s%n";

  private ClusterTable() {}

  /**
   * Prints a cluster.
   *
   * @param earlier what ranks had used at the look before, whose difference is shown; empty for all
   *     that they have used in this epoch
   */
  static void print(
      PrintWriter out,
      StateFile.State state,
      LiveCluster.Figures figures,
      Map<Integer, RankStatistics> earlier) {
    out.println(state.model() + " at " + state.endpoint() + ", " + state.phase());
    LiveCluster.Generation generation = figures.generation();
    if (generation != null) {
      out.printf(
          Locale.ROOT,
          "answer %s: %d tokens, %.1f tokens/s; %d more wait%n",
          generation.state(),
          generation.completionTokens(),
          generation.tokensPerSecond(),
          figures.queued());
    }
    out.printf(
        ROW,
        "RANK",
        "NAME",
        "PID",
        "ADDRESS",
        "STATE",
        "SHARE",
        "WINDOW",
        "STREAMED",
        "RSS",
        "RTT",
        "COMPUTE/SUMS/DISK");
    for (NodeView node : state.nodes()) {
      RankStatistics used = figures.used().get(node.rank());
      RankStatistics before = earlier.get(node.rank());
      print(out, node, used == null || before == null ? used : used.since(before));
    }
    if (figures.missing() != null) {
      out.println("no figures of ranks: " + figures.missing());
    }
    if (state.sums() != null) {
      print(out, state.sums());
    }
    if (state.attention() != null && state.nodes().size() > 1) {
      out.println("attention: " + state.attention());
    }
  }

  private static void print(PrintWriter out, NodeView node, @Nullable RankStatistics used) {
    out.printf(
        Locale.ROOT,
        ROW,
        node.rank() < 0 ? "-" : Integer.toString(node.rank()),
        node.name(),
        node.pid(),
        node.address(),
        node.state(),
        String.format(Locale.ROOT, "%.1f %%", 100 * node.share()),
        ByteSize.format(used == null ? node.residentBytes() : used.weightsResidentBytes()),
        used == null ? "-" : ByteSize.format(used.weightsStreamedBytes()),
        used == null ? "-" : ByteSize.format(used.rssBytes()),
        used == null || used.answerMs() == 0
            ? "-"
            : String.format(Locale.ROOT, "%.1f ms", used.answerMs()),
        used == null ? "-" : split(used));
    if (node.shareReason() != null) {
      out.println("     " + node.shareReason());
    }
    if (node.lastError() != null) {
      out.println("     " + node.lastError());
    }
    KeptWeights kept = node.kept();
    if (kept != null) {
      out.printf(
          "     keeps %s of %s on its disk, for this plan and others%s%n",
          ByteSize.format(kept.keptBytes()),
          ByteSize.format(kept.wantedBytes()),
          kept.shortage() == null ? "" : "; " + kept.shortage());
    }
  }

  private static String split(RankStatistics used) {
    double all = used.computeMs() + used.collectiveMs() + used.diskWaitMs();
    return all <= 0
        ? "-"
        : String.format(
            Locale.ROOT,
            "%.0f/%.0f/%.0f %%",
            100 * used.computeMs() / all,
            100 * used.collectiveMs() / all,
            100 * used.diskWaitMs() / all);
  }

  private static void print(PrintWriter out, CollectiveReport sums) {
    if (sums.payloads().isEmpty()) {
      out.println("sums: none, there is one rank");
      return;
    }
    out.print("sums: " + sums.choice() + ", " + sums.precision());
    if (sums.choice() != CollectiveChoice.SHARED_MEMORY) { // those are in no frame
      out.print(sums.sealed() ? ", sealed" : ", readable");
    }
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
