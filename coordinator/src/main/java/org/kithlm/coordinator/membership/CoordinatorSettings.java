package org.kithlm.coordinator.membership;

import org.jspecify.annotations.Nullable;
import org.kithlm.model.transformer.KvType;
import org.kithlm.node.control.Calibrator;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.ProcessMemory;
import org.kithlm.node.control.SumPrecision;

/**
 * What a cluster runs.
 *
 * @param name what the user calls this device
 * @param host address that the nodes reach this process at
 * @param expectedNodes nodes to wait for before the first plan, this process not counted
 * @param packId identity of the model's pack
 * @param origin where nodes fetch missing weights
 * @param contextLength longest prompt plus answer in tokens
 * @param kvType how keys and values are kept
 * @param maxTokens bound on the tokens of a step; ranks with small heaps take fewer
 * @param collective how the ranks form sums
 * @param precision of what ranks send of sums
 * @param attention who computes attention
 * @param memory of this process
 * @param fit tells whether ranks find enough memory
 * @param workload what the model asks of devices
 * @param replication which weights nodes keep beyond their own
 * @param eager whether a device that joins is used within the answer under way
 * @param calibrator measures this device; null for equal shares, for which nobody is measured
 */
public record CoordinatorSettings(
    String name,
    String host,
    int expectedNodes,
    String packId,
    NodeMessage.WeightOrigin origin,
    int contextLength,
    KvType kvType,
    int maxTokens,
    CollectiveChoice collective,
    SumPrecision precision,
    AttentionChoice attention,
    ProcessMemory memory,
    FitCheck fit,
    Workload workload,
    Replication replication,
    boolean eager,
    @Nullable Calibrator calibrator) {

  /** The same with another form of sums. */
  CoordinatorSettings withCollective(CollectiveChoice other) {
    return new CoordinatorSettings(
        name,
        host,
        expectedNodes,
        packId,
        origin,
        contextLength,
        kvType,
        maxTokens,
        other,
        precision,
        attention,
        memory,
        fit,
        workload,
        replication,
        eager,
        calibrator);
  }
}
