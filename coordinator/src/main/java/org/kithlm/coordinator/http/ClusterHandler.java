package org.kithlm.coordinator.http;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.generation.GenerationTiming;
import org.kithlm.coordinator.membership.ClusterView;
import org.kithlm.coordinator.status.ClusterSource;
import org.kithlm.coordinator.status.ClusterStatus;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.RankStatistics;

/** {@code GET /api/kith/cluster}: what the page shows of the cluster. Thread-safe. */
final class ClusterHandler {
  /** The answer. */
  record Report(
      String model,
      int contextLength,
      String phase,
      long epoch,
      int queued,
      @Nullable Timing generation,
      @Nullable Sums sums,
      List<Node> nodes,
      List<Lost> lost) {}

  /** How ranks form sums: what was asked for, and the form for each kind of step. */
  record Sums(String choice, boolean sealed, List<SumForm> forms) {
    static Sums of(CollectiveReport report) {
      return new Sums(
          report.choice().toString(),
          report.sealed(),
          report.payloads().stream()
              .map(payload -> new SumForm(payload.step(), payload.form().toString()))
              .toList());
    }
  }

  /** The form of the sums of decode or prefill. */
  record SumForm(String step, String form) {}

  /** One process, with what its rank has used in this epoch if it told. */
  record Node(
      int rank,
      String name,
      long pid,
      String address,
      String state,
      double share,
      @Nullable String shareReason,
      long residentBytes,
      @Nullable String lastError,
      @Nullable RankStatistics used) {}

  /** One process that is gone. */
  record Lost(int rank, String name, long pid, String address, long lostAt) {}

  /** See {@link GenerationTiming}. */
  record Timing(
      String state,
      int promptTokens,
      int cachedTokens,
      int completionTokens,
      double ttftMs,
      double tokensPerSecond,
      GenerationTiming.Split untilFirstToken,
      GenerationTiming.Split sinceFirstToken) {
    static Timing of(GenerationTiming timing) {
      return new Timing(
          timing.state().name().toLowerCase(Locale.ROOT),
          timing.promptTokens(),
          timing.cachedTokens(),
          timing.completionTokens(),
          timing.ttftMs(),
          timing.tokensPerSecond(),
          timing.untilFirstToken(),
          timing.sinceFirstToken());
    }
  }

  private final ChatService service;
  private final ClusterSource cluster;

  ClusterHandler(ChatService service, ClusterSource cluster) {
    this.service = service;
    this.cluster = cluster;
  }

  CompletionStage<HttpResponse> get() {
    return cluster
        .status()
        .thenApply(
            status ->
                Json.ok(report(status)).addHeader(RawHeader.create("Cache-Control", "no-store")));
  }

  private Report report(ClusterStatus status) {
    ClusterView view = status.view();
    ChatService.Model model = service.model();
    GenerationTiming timing = status.timing();
    return new Report(
        model.id(),
        model.contextLength(),
        view == null ? "starting" : view.phase().name().toLowerCase(Locale.ROOT),
        view == null ? 0 : view.epoch(),
        status.queued(),
        timing == null ? null : Timing.of(timing),
        view == null || view.sums() == null ? null : Sums.of(view.sums()),
        view == null
            ? List.of()
            : view.nodes().stream().map(node -> node(node, status.used())).toList(),
        status.lost().stream().map(ClusterHandler::lost).toList());
  }

  private static Node node(ClusterView.NodeView node, Map<Integer, RankStatistics> used) {
    return new Node(
        node.rank(),
        node.name(),
        node.pid(),
        node.address(),
        node.state(),
        node.share(),
        node.shareReason(),
        node.residentBytes(),
        node.lastError(),
        used.get(node.rank()));
  }

  private static Lost lost(ClusterStatus.LostNode gone) {
    ClusterView.NodeView node = gone.node();
    return new Lost(node.rank(), node.name(), node.pid(), node.address(), gone.lostEpochSeconds());
  }
}
