package org.kithlm.coordinator.membership;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.DeviceSpeed;

/**
 * Divides the layers among devices: by what was measured of them, or equally. Owned by the
 * coordinator's actor.
 */
final class Planner {
  /** A rank costs the others frames in each sum; one with less of the work does not pay for it. */
  private static final double SHARE_MIN = 0.03;

  private final CoordinatorSettings settings;
  private final AttentionRule attentionRule;
  private @Nullable DeviceSpeed rootSpeed; // null for equal shares

  Planner(CoordinatorSettings settings) {
    this.settings = settings;
    this.attentionRule = new AttentionRule(settings.workload());
  }

  /** Shares by speed from now on; all nodes of later plans are measured. */
  void rootSpeed(DeviceSpeed speed) {
    rootSpeed = speed;
  }

  /** Takes note of what the ranks of a plan tell of their links. */
  void measured(CollectiveReport sums) {
    attentionRule.measured(sums);
  }

  /** Whether there is a better division of the same nodes by now. */
  boolean isOutdated(Division division) {
    return divide(division.considered()).attention() == AttentionPlacement.REPLICATED
        && division.attention() == AttentionPlacement.SPLIT;
  }

  /** Who computes attention and why, for users, by what is known now. */
  String describeAttention(Division division) {
    String reason = divide(division.considered()).attentionReason();
    return reason == null ? division.attention().toString() : division.attention() + ": " + reason;
  }

  /** Divides among this process and some nodes, or fewer of them. */
  Division divide(List<Member> nodes) {
    return switch (settings.attention()) {
      case SPLIT -> divide(nodes, AttentionPlacement.SPLIT);
      case REPLICATED -> divide(nodes, AttentionPlacement.REPLICATED);
      case AUTO -> {
        Division split = divide(nodes, AttentionPlacement.SPLIT);
        if (!attentionRule.isInformed() || rootSpeed == null) {
          yield split;
        }
        Division replicated = divide(nodes, AttentionPlacement.REPLICATED); // leaves have room
        yield shortage(replicated, 0).isEmpty() ? attentionRule.choose(split, replicated) : split;
      }
    };
  }

  private Division divide(List<Member> nodes, AttentionPlacement attention) {
    DeviceSpeed root = rootSpeed;
    if (root == null) {
      return new Division(nodes, nodes, equal(nodes), attention, null, Double.NaN, null, Map.of());
    }
    List<Member> chosen = new ArrayList<>(nodes);
    Map<Member, String> reasons = new HashMap<>();
    while (true) {
      List<Balance.Device> devices = devices(root, chosen);
      Balance balance = new Balance(settings.workload(), attention, devices);
      double[] shares = balance.shares();
      Division division =
          new Division(
              nodes,
              chosen,
              Arrays.stream(shares).boxed().toList(),
              attention,
              null,
              balance.seconds(),
              reason(balance, devices.getFirst(), shares[0]),
              reasons);
      int out = leftOut(division, reasons);
      if (out == 0) {
        for (int rank = 1; rank < shares.length; rank++) {
          reasons.put(chosen.get(rank - 1), reason(balance, devices.get(rank), shares[rank]));
        }
        return division.with(reasons);
      }
      chosen.remove(out - 1);
    }
  }

  /** The rank that a division should do without, with the reason noted; 0 for none. */
  private int leftOut(Division division, Map<Member, String> reasons) {
    for (int rank = 1; rank < division.worldSize(); rank++) {
      double share = division.shares().get(rank);
      Optional<String> reason =
          share < SHARE_MIN
              ? Optional.of(
                  String.format(
                      Locale.ROOT,
                      "left out: %.1f %% of the work would be its share, and less than %.0f %% is"
                          + " not worth the sums",
                      100 * share,
                      100 * SHARE_MIN))
              : shortage(division, rank).map(shortage -> "left out: " + shortage);
      if (reason.isPresent()) {
        reasons.put(division.leaves().get(rank - 1), reason.get());
        return rank;
      }
    }
    return 0;
  }

  private List<Balance.Device> devices(DeviceSpeed root, List<Member> nodes) {
    List<Balance.Device> devices = new ArrayList<>();
    devices.add(new Balance.Device(root, settings.memory(), settings.workload().rootBytes()));
    for (Member node : nodes) {
      DeviceSpeed speed = node.speed;
      if (speed == null) {
        throw new IllegalStateException(node.name + " was not measured, but a plan is to use it");
      }
      devices.add(new Balance.Device(speed, node.memory, 0));
    }
    return devices;
  }

  private static String reason(Balance balance, Balance.Device device, double share) {
    return String.format(
        Locale.ROOT,
        "%.2f GB/s of weights%s",
        device.speed().weightBytesPerSecond() / 1e9,
        balance.isShortOfMemory(device, share) ? ", less than that for want of memory" : "");
  }

  private static List<Double> equal(List<Member> nodes) {
    return Collections.nCopies(nodes.size() + 1, 1.0);
  }

  /** Why the others of a division could not go on without a node, null if they could. */
  @Nullable String shortageWithout(Member node, Division division) {
    Division rest =
        divide(division.considered().stream().filter(other -> !other.equals(node)).toList());
    for (int rank = 0; rank < rest.worldSize(); rank++) {
      Optional<String> shortage = shortage(rest, rank);
      if (shortage.isPresent()) {
        return rest.name(rank, settings) + ": " + shortage.get();
      }
    }
    return null;
  }

  private Optional<String> shortage(Division division, int rank) {
    return settings
        .fit()
        .shortage(
            division.assignment(0, rank, settings, Division.UNUSED_KEY),
            division.memory(rank, settings));
  }
}
