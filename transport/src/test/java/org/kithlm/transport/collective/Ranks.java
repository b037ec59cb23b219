package org.kithlm.transport.collective;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.kithlm.transport.DataPort;
import org.kithlm.transport.PeerAddress;

/** Addresses on loopback for tests. */
final class Ranks {
  private Ranks() {}

  static List<PeerAddress> onLoopback(int worldSize) {
    List<DataPort> ports = reserve(worldSize);
    List<PeerAddress> peers = at(ports);
    ports.forEach(DataPort::close);
    return peers;
  }

  /** Ports that nothing else gets until they are closed. */
  static List<DataPort> reserve(int worldSize) {
    return Stream.generate(() -> DataPort.reserve("127.0.0.1", 0)).limit(worldSize).toList();
  }

  /** The ranks that have these ports. */
  static List<PeerAddress> at(List<DataPort> ports) {
    List<PeerAddress> peers = new ArrayList<>();
    for (DataPort port : ports) {
      peers.add(new PeerAddress(peers.size(), "127.0.0.1", port.port()));
    }
    return peers;
  }
}
