package org.kithlm.transport;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * One rank's view of a session. All ranks of an epoch must agree on everything but {@code rank},
 * the timeouts and {@code driverParent}.
 *
 * @param epoch number of the plan; frames of another epoch are dropped
 * @param rank this rank
 * @param peers addresses of all ranks, this one included; the index is the rank
 * @param collective how sums are formed
 * @param encoding how partial sums and sums travel
 * @param maxFloats longest vector that is ever sent, in elements
 * @param mtuLength largest UDP payload in bytes that no path cuts into fragments, a multiple of 32
 * @param datagramLength largest UDP payload in bytes, on links that lose hardly any fragments, a
 *     multiple of 32; also bounds one frame
 * @param connectTimeoutNs how long {@code connect} waits for the peers
 * @param roundTimeoutNs how long a call waits for a peer without hearing what it needs; longer than
 *     the slowest rank computes between two collectives
 * @param driverParent folder under which the media driver keeps its own directory, best in memory
 * @param key AES key of this epoch that seals all frames, 16 bytes; null sends them readable. A
 *     rank opens one session at a time under a key
 */
public record SessionConfig(
    long epoch,
    int rank,
    List<PeerAddress> peers,
    Collective collective,
    SumEncoding encoding,
    int maxFloats,
    int mtuLength,
    int datagramLength,
    long connectTimeoutNs,
    long roundTimeoutNs,
    Path driverParent,
    @Nullable SecretKey key) {
  /** Fits an Ethernet frame of 1500 bytes behind IP and UDP headers; Aeron's own default. */
  public static final int LAN_MTU_LENGTH = 1408;

  /** Fills five IP fragments of 1500 bytes: most of a datagram's cost is each one's. */
  public static final int LAN_DATAGRAM_LENGTH = 7392;

  /** For ranks on one machine, where nothing is cut. */
  public static final int LOOPBACK_MTU_LENGTH = 32 * 1024;

  private static final Path MEMORY_FOLDER = Path.of("/dev/shm");

  /** Checks every range; the message names the field and its value. */
  public SessionConfig {
    peers = List.copyOf(peers);
    check(!peers.isEmpty(), "peers is empty: name at least the root");
    check(rank >= 0 && rank < peers.size(), "rank=" + rank + " is not below peers=" + peers.size());
    for (int i = 0; i < peers.size(); i++) {
      check(peers.get(i).rank() == i, "peers[" + i + "] is " + peers.get(i) + ": sort by rank");
    }
    check(maxFloats > 0, "maxFloats=" + maxFloats + " must be positive");
    checkDatagram("mtuLength", mtuLength, 512);
    checkDatagram("datagramLength", datagramLength, mtuLength);
    check(connectTimeoutNs > 0, "connectTimeoutNs=" + connectTimeoutNs + " must be positive");
    check(roundTimeoutNs > 0, "roundTimeoutNs=" + roundTimeoutNs + " must be positive");
  }

  /**
   * Defaults: a star, exact sums, connect within 30 s, rounds within 120 s, datagrams for Ethernet
   * (larger ones where all ranks are on 127.0.0.1), the driver in /dev/shm or else the temporary
   * folder.
   */
  public static SessionConfig of(long epoch, int rank, List<PeerAddress> peers, int maxFloats) {
    boolean loopback = peers.stream().allMatch(peer -> peer.host().startsWith("127."));
    return new SessionConfig(
        epoch,
        rank,
        peers,
        Collective.STAR,
        SumEncoding.EXACT,
        maxFloats,
        loopback ? LOOPBACK_MTU_LENGTH : LAN_MTU_LENGTH,
        loopback ? LOOPBACK_MTU_LENGTH : LAN_DATAGRAM_LENGTH,
        TimeUnit.SECONDS.toNanos(30),
        TimeUnit.SECONDS.toNanos(120),
        Files.isWritable(MEMORY_FOLDER)
            ? MEMORY_FOLDER
            : Path.of(System.getProperty("java.io.tmpdir")),
        null);
  }

  /** The same with another collective. */
  public SessionConfig withCollective(Collective newCollective) {
    return new SessionConfig(
        epoch,
        rank,
        peers,
        newCollective,
        encoding,
        maxFloats,
        mtuLength,
        datagramLength,
        connectTimeoutNs,
        roundTimeoutNs,
        driverParent,
        key);
  }

  /** The same with another encoding of sums. */
  public SessionConfig withEncoding(SumEncoding newEncoding) {
    return new SessionConfig(
        epoch,
        rank,
        peers,
        collective,
        newEncoding,
        maxFloats,
        mtuLength,
        datagramLength,
        connectTimeoutNs,
        roundTimeoutNs,
        driverParent,
        key);
  }

  /** The same with other timeouts. */
  public SessionConfig withTimeouts(long newConnectTimeoutNs, long newRoundTimeoutNs) {
    return new SessionConfig(
        epoch,
        rank,
        peers,
        collective,
        encoding,
        maxFloats,
        mtuLength,
        datagramLength,
        newConnectTimeoutNs,
        newRoundTimeoutNs,
        driverParent,
        key);
  }

  /** The same with datagrams of other lengths. */
  public SessionConfig withDatagrams(int newMtuLength, int newDatagramLength) {
    return new SessionConfig(
        epoch,
        rank,
        peers,
        collective,
        encoding,
        maxFloats,
        newMtuLength,
        newDatagramLength,
        connectTimeoutNs,
        roundTimeoutNs,
        driverParent,
        key);
  }

  /** The same with the driver under another folder. */
  public SessionConfig withDriverParent(Path newDriverParent) {
    return new SessionConfig(
        epoch,
        rank,
        peers,
        collective,
        encoding,
        maxFloats,
        mtuLength,
        datagramLength,
        connectTimeoutNs,
        roundTimeoutNs,
        newDriverParent,
        key);
  }

  /** The same with frames sealed by {@code newKey}, 16 bytes. */
  public SessionConfig withKey(byte[] newKey) {
    check(newKey.length == 16, "key.length=" + newKey.length + " must be 16 bytes");
    return new SessionConfig(
        epoch,
        rank,
        peers,
        collective,
        encoding,
        maxFloats,
        mtuLength,
        datagramLength,
        connectTimeoutNs,
        roundTimeoutNs,
        driverParent,
        new SecretKeySpec(newKey, "AES"));
  }

  private static void checkDatagram(String name, int length, int lengthMin) {
    check(
        length >= lengthMin && length <= 65_504 && length % 32 == 0,
        "%s=%d must be a multiple of 32 from %d to 65504".formatted(name, length, lengthMin));
  }

  private static void check(boolean ok, String message) {
    if (!ok) {
      throw new IllegalArgumentException(message);
    }
  }
}
