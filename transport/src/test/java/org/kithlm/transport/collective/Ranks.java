package org.kithlm.transport.collective;

import java.util.ArrayList;
import java.util.List;
import org.kithlm.transport.DataPort;
import org.kithlm.transport.PeerAddress;

/** Addresses on loopback for tests. */
final class Ranks {
  private Ranks() {}

  static List<PeerAddress> onLoopback(int worldSize) {
    List<DataPort> ports = new ArrayList<>();
    List<PeerAddress> peers = new ArrayList<>();
    for (int rank = 0; rank < worldSize; rank++) {
      DataPort port = DataPort.reserve("127.0.0.1", 0);
      ports.add(port);
      peers.add(new PeerAddress(rank, "127.0.0.1", port.port()));
    }
    ports.forEach(DataPort::close);
    return peers;
  }
}
