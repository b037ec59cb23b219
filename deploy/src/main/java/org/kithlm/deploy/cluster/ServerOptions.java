package org.kithlm.deploy.cluster;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.enrolment.ClusterBooks;
import org.kithlm.coordinator.http.EndpointSettings;
import org.kithlm.coordinator.membership.AttentionChoice;
import org.kithlm.coordinator.membership.Replication;
import org.kithlm.model.shard.HeadPlacement;
import org.kithlm.model.transformer.KvType;
import org.kithlm.node.control.Calibrator;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.SumPrecision;
import org.kithlm.node.kv.KvStorePlace;

/**
 * What a server runs.
 *
 * @param model name of the model
 * @param createdEpochSeconds when its pack was made
 * @param pack its pack file
 * @param host address that nodes reach this process at
 * @param controlPort TCP port of the control plane, 0 for any
 * @param joinPort TCP port that nodes get certificates and weights at, 0 for any
 * @param books who may take part
 * @param expectedNodes nodes to wait for, this process not counted
 * @param contextLength longest prompt plus answer in tokens; before {@link Server#fit} 0 for the
 *     longest that the model has and memory holds
 * @param kvType how keys and values are kept
 * @param collective how the ranks form sums
 * @param precision of what ranks send of sums
 * @param attention who computes attention
 * @param head who has the output head
 * @param calibrator measures this device, for shares by speed; null for equal shares
 * @param threads of this process for the arithmetic
 * @param headThreads for the output head, while the nodes on this machine wait for the next token
 * @param replication which weights nodes keep beyond their own
 * @param eager whether a device that joins is used within the answer under way
 * @param memoryBytes what this process may use in memory, {@link Long#MAX_VALUE} for no limit
 * @param kvStore where keys and values are kept on disk, null for nowhere
 * @param endpoint where chat clients are served, null for nowhere
 */
public record ServerOptions(
    String model,
    long createdEpochSeconds,
    Path pack,
    String host,
    int controlPort,
    int joinPort,
    ClusterBooks books,
    int expectedNodes,
    int contextLength,
    KvType kvType,
    CollectiveChoice collective,
    SumPrecision precision,
    AttentionChoice attention,
    HeadPlacement head,
    @Nullable Calibrator calibrator,
    int threads,
    int headThreads,
    Replication replication,
    boolean eager,
    long memoryBytes,
    @Nullable KvStorePlace kvStore,
    @Nullable EndpointSettings endpoint) {

  /** What is left for rank 0 of what this process may use in memory. */
  long rankMemoryBytes() {
    return KvStorePlace.memoryBeside(kvStore, memoryBytes);
  }

  /** The same with another context. */
  ServerOptions withContextLength(int length) {
    return with(length, replication, eager);
  }

  /** The same, prepared in another way for other plans. */
  public ServerOptions withPlanChanges(Replication wanted, boolean isEager) {
    return with(contextLength, wanted, isEager);
  }

  private ServerOptions with(
      int otherContextLength, Replication otherReplication, boolean otherEager) {
    return new ServerOptions(
        model,
        createdEpochSeconds,
        pack,
        host,
        controlPort,
        joinPort,
        books,
        expectedNodes,
        otherContextLength,
        kvType,
        collective,
        precision,
        attention,
        head,
        calibrator,
        threads,
        headThreads,
        otherReplication,
        otherEager,
        memoryBytes,
        kvStore,
        endpoint);
  }
}
