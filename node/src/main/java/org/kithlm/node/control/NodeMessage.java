package org.kithlm.node.control;

import java.util.List;
import java.util.Set;
import org.apache.pekko.actor.typed.ActorRef;

/** What the coordinator tells a node. */
public interface NodeMessage extends KithMessage {
  /** You may join the cluster. */
  record Admitted(ActorRef<CoordinatorMessage> coordinator) implements NodeMessage {}

  /** You may not join or stay; the reason is for the user. */
  record Refused(String reason) implements NodeMessage {}

  /** Let no process in that has a certificate with one of these node ids. */
  record RemovedNodes(Set<String> ids) implements NodeMessage {}

  /**
   * Answer with {@link CoordinatorMessage.DeviceMeasured}.
   *
   * @param weightType element type of most weights, as GGUF names it
   */
  record MeasureDevice(String weightType) implements NodeMessage {}

  /**
   * Get your weights for an epoch into memory.
   *
   * @param assignment which rank of which plan
   * @param source where the weights are fetched from if no local pack has them
   */
  record LoadShard(RankAssignment assignment, WeightOrigin source) implements NodeMessage {}

  /** All ranks are loaded: connect the data plane. Peers are in rank order. */
  record Connect(long epoch, List<Peer> peers) implements NodeMessage {}

  /**
   * Keep weights on your disk that the next plan may ask you for; answer with {@link
   * CoordinatorMessage.WeightsKept}, again and again. The next {@link LoadShard} ends it.
   *
   * @param share which weights, as those of a rank; your own are among them
   * @param source where they are fetched from
   */
  record KeepWeights(RankAssignment share, WeightOrigin source) implements NodeMessage {}

  /** Answer with {@link CoordinatorMessage.Statistics}. */
  record ReportStatistics(long epoch) implements NodeMessage {}

  /** Ends the node's process. */
  record Shutdown(String reason) implements NodeMessage {}

  /**
   * Where a rank's data plane listens.
   *
   * @param rank the rank
   * @param host its address
   * @param port its UDP port
   * @param maxTokens most tokens that its steps may have
   */
  record Peer(int rank, String host, int port, int maxTokens) {}

  /**
   * Where missing runs of the pack are fetched from.
   *
   * @param url HTTP address that answers Range requests for the pack file
   * @param packLengthBytes its length
   * @param prelude the runs that every rank needs to open the pack, before it knows its own
   */
  record WeightOrigin(String url, long packLengthBytes, List<ByteRun> prelude) {}

  /**
   * A run of bytes of the pack.
   *
   * @param offsetBytes where it starts
   * @param lengthBytes its length
   */
  record ByteRun(long offsetBytes, long lengthBytes) {}
}
