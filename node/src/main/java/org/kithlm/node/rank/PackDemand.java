package org.kithlm.node.rank;

import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.kithlm.memory.TileExtent;
import org.kithlm.memory.TileStore;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.shard.ShardPlan;
import org.kithlm.model.transformer.KvType;
import org.kithlm.model.weight.TensorRole;
import org.kithlm.model.weight.Tile;
import org.kithlm.node.control.ProcessMemory;
import org.kithlm.node.control.RankAssignment;

/**
 * What ranks need to hold their slices of a pack, wherever they are. It asks the pack for its
 * tables only, so the file may be closed. Thread-safe.
 *
 * @param pack the pack
 */
public record PackDemand(Pack pack) {
  /** As tiles are aligned; no disk in use has longer blocks. */
  private static final int ALIGNMENT_BYTES = 4096;

  private static final Set<TensorRole> ATTENTION =
      EnumSet.of(TensorRole.ATTN_Q, TensorRole.ATTN_K, TensorRole.ATTN_V, TensorRole.ATTN_OUTPUT);

  private static final Set<TensorRole> FFN =
      EnumSet.of(TensorRole.FFN_GATE, TensorRole.FFN_UP, TensorRole.FFN_DOWN);

  /** What a process needs beside its Java heap, keys, values and weights, for a few links. */
  public static final long PROCESS_BYTES = MemoryBudget.JVM_BYTES + (16 << 20);

  /** Attention's weights of all layers. */
  public long attentionBytes() {
    return bytes(tile -> ATTENTION.contains(tile.role()));
  }

  /** The FFN's weights of all layers. */
  public long ffnBytes() {
    return bytes(tile -> FFN.contains(tile.role()));
  }

  /** Weights of the output head, which are the root's. */
  public long headBytes() {
    return bytes(tile -> tile.role() == TensorRole.LM_HEAD);
  }

  /** Keys and values of a context, over all ranks. */
  public long kvBytes(int contextLength, KvType type) {
    ModelConfig config = pack.config();
    long perPosition =
        2L * config.layerCount() * config.kvHeadCount() * type.bytes(config.headDim());
    return perPosition * contextLength;
  }

  /** Element type of most weights of the layers, by their bytes. */
  public GgmlType weightType() {
    Map<GgmlType, Long> bytes = new EnumMap<>(GgmlType.class);
    for (Tile tile : whole()) {
      if (tile.role() != TensorRole.LM_HEAD) {
        bytes.merge(tile.type(), (long) tile.lengthBytes(), Long::sum);
      }
    }
    return Collections.max(bytes.entrySet(), Map.Entry.comparingByValue()).getKey();
  }

  private long bytes(Predicate<Tile> wanted) {
    return whole().stream().filter(wanted).mapToLong(Tile::lengthBytes).sum();
  }

  private List<Tile> whole() {
    return pack.tiles(ShardPlan.equal(pack.config(), pack.units(), 1).shard(0));
  }

  /** Why a rank does not fit into its process, with what would; empty if it does. */
  public Optional<String> shortage(RankAssignment assignment, ProcessMemory memory) {
    RankShard shard = RankWeights.shardOf(pack, assignment);
    List<TileExtent> extents = RankWeights.extents(pack.tiles(shard));
    if (memory.processBytes() == MemoryBudget.UNLIMITED || extents.isEmpty()) {
      return Optional.empty();
    }
    MemoryBudget budget =
        MemoryBudget.of(
            memory.processBytes(), memory.heapBytes(), pack.config(), shard, assignment);
    try {
      budget.require(
          TileStore.smallestBudgetBytes(extents, ALIGNMENT_BYTES),
          extents.stream().mapToLong(TileExtent::lengthBytes).sum());
      return Optional.empty();
    } catch (DoesNotFitException e) {
      return Optional.ofNullable(e.getMessage());
    }
  }
}
