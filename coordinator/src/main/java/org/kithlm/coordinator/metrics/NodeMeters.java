package org.kithlm.coordinator.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.membership.ClusterView;
import org.kithlm.coordinator.status.ClusterStatus;
import org.kithlm.node.control.KvStoreUse;
import org.kithlm.node.control.RankStatistics;

/** Figures of each node: those that are there now, no others. Owned by who updates it. */
final class NodeMeters {
  private static final double MS_PER_SEC = 1e3;

  /** What one gauge shows of a rank: a value under each of some tags. */
  private record Figure(MultiGauge gauge, Map<Tags, ToDoubleFunction<RankStatistics>> valuesByTag) {
    Stream<MultiGauge.Row<?>> rows(Tags node, RankStatistics used) {
      return valuesByTag.entrySet().stream()
          .map(
              value ->
                  MultiGauge.Row.of(
                      node.and(value.getKey()), value.getValue().applyAsDouble(used)));
    }
  }

  private final MultiGauge shares;
  private final List<Figure> figures = new ArrayList<>();

  NodeMeters(MeterRegistry registry) {
    shares =
        MultiGauge.builder("kith.node.share")
            .description("Part of each layer that the node computes")
            .register(registry);
    bytes(registry, "rss", "Resident set of the process", RankStatistics::rssBytes);
    bytes(registry, "rss.peak", "Largest resident set so far", RankStatistics::rssPeakBytes);
    bytes(
        registry,
        "weights.resident",
        "Weights in memory: pinned ones and the window",
        RankStatistics::weightsResidentBytes);
    bytes(
        registry,
        "weights.streamed",
        "Weights read from disk in this epoch, after loading",
        RankStatistics::weightsStreamedBytes);
    seconds(
        registry, "compute", "Time of the forward pass in this epoch", RankStatistics::computeMs);
    seconds(
        registry,
        "collective",
        "Time in sums over ranks in this epoch: the network, and the wait for slower ranks",
        RankStatistics::collectiveMs);
    seconds(
        registry,
        "disk.wait",
        "Time waiting for weights in this epoch",
        RankStatistics::diskWaitMs);
    figures.add(
        new Figure(
            gauge(
                registry,
                "allreduce",
                "seconds",
                "Time of one sum over ranks, of the last few thousand"),
            Map.of(
                Tags.of("quantile", "0.5"),
                used -> used.sumP50Ms() / MS_PER_SEC,
                Tags.of("quantile", "0.99"),
                used -> used.sumP99Ms() / MS_PER_SEC)));
    ofKvStore(
        registry,
        "kv.pages.stored",
        null,
        "Pages of keys and values written to disk since the process began",
        KvStoreUse::storedPages);
    ofKvStore(
        registry,
        "kv.pages.restored",
        null,
        "Pages of keys and values read from disk since the process began",
        KvStoreUse::restoredPages);
    ofKvStore(registry, "kv.store", "bytes", "Keys and values on disk", KvStoreUse::usedBytes);
  }

  private void ofKvStore(
      MeterRegistry registry,
      String name,
      @Nullable String unit,
      String description,
      ToDoubleFunction<KvStoreUse> value) {
    figures.add(
        new Figure(
            gauge(registry, name, unit, description),
            Map.of(
                Tags.empty(),
                used -> used.kvStore() == null ? 0 : value.applyAsDouble(used.kvStore()))));
  }

  private void bytes(
      MeterRegistry registry,
      String name,
      String description,
      ToDoubleFunction<RankStatistics> value) {
    figures.add(
        new Figure(gauge(registry, name, "bytes", description), Map.of(Tags.empty(), value)));
  }

  private void seconds(
      MeterRegistry registry,
      String name,
      String description,
      ToDoubleFunction<RankStatistics> valueMs) {
    figures.add(
        new Figure(
            gauge(registry, name, "seconds", description),
            Map.of(Tags.empty(), used -> valueMs.applyAsDouble(used) / MS_PER_SEC)));
  }

  private static MultiGauge gauge(
      MeterRegistry registry, String name, @Nullable String unit, String description) {
    return MultiGauge.builder("kith.node." + name)
        .baseUnit(unit)
        .description(description)
        .register(registry);
  }

  void update(ClusterStatus status) {
    List<ClusterView.NodeView> nodes =
        status.view() == null
            ? List.of()
            : status.view().nodes().stream().filter(node -> node.rank() >= 0).toList();
    shares.register(
        nodes.stream()
            .<MultiGauge.Row<?>>map(node -> MultiGauge.Row.of(tags(node), node.share()))
            .toList(),
        true);
    for (Figure figure : figures) {
      figure.gauge().register(rows(figure, nodes, status.used()), true);
    }
  }

  private static List<MultiGauge.Row<?>> rows(
      Figure figure, List<ClusterView.NodeView> nodes, Map<Integer, RankStatistics> used) {
    List<MultiGauge.Row<?>> rows = new ArrayList<>();
    for (ClusterView.NodeView node : nodes) {
      RankStatistics ofRank = used.get(node.rank());
      if (ofRank != null) {
        figure.rows(tags(node), ofRank).forEach(rows::add);
      }
    }
    return rows;
  }

  private static Tags tags(ClusterView.NodeView node) {
    return Tags.of("rank", Integer.toString(node.rank()), "node", node.name());
  }
}
