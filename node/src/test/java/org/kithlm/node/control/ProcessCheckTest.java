package org.kithlm.node.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ProcessCheckTest {
  private final BlockingQueue<InetSocketAddress> gone = new LinkedBlockingQueue<>();
  private final ProcessCheck check = new ProcessCheck(gone::add);

  private static InetSocketAddress address(ServerSocket socket) {
    return InetSocketAddress.createUnresolved("127.0.0.1", socket.getLocalPort());
  }

  @Test
  void shouldTellOfAProcessThatListensNoMoreAndOfNoOther() throws Exception {
    try (ServerSocket alive = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      ServerSocket dying = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
      check.start(address(alive));
      for (int knock = 0; knock < 4; knock++) {
        alive.accept().close(); // it was looked at to the end
      }
      check.start(address(dying));
      dying.accept().close();
      dying.close();

      InetSocketAddress told = gone.poll(20, TimeUnit.SECONDS);

      assertEquals(address(dying), told);
      assertNull(gone.poll());
    }
  }
}
