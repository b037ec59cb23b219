package org.kithlm.node.control;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out whether the process that closed a connection is gone. The kernel closes the sockets of
 * a killed process at once and refuses those who come after; a failure detector would have to wait
 * longer than any silence of a wireless link. One that is switched off, or cut off, says nothing
 * and is left to that detector. Thread-safe.
 */
public final class ProcessCheck {
  private static final Logger LOG = LoggerFactory.getLogger(ProcessCheck.class);
  private static final Duration PATIENCE = Duration.ofMillis(500);

  /** The listening socket may be closed a little later than the connection that told of it. */
  private static final int KNOCKS = 4;

  private static final long BETWEEN_KNOCKS_MS = 100;

  private final Consumer<InetSocketAddress> listener;

  /** Tells a listener the address where no process is left, on a thread of its own. */
  public ProcessCheck(Consumer<InetSocketAddress> listener) {
    this.listener = listener;
  }

  /**
   * Looks at the process whose control plane is at an address; takes 2.5 s at the most, on another
   * thread.
   */
  public void start(InetSocketAddress address) {
    Thread.ofVirtual().name("kith-process-check").start(() -> run(address));
  }

  private void run(InetSocketAddress address) {
    try {
      for (int knock = 0; knock < KNOCKS; knock++) {
        if (isRefused(address)) {
          LOG.info("no process listens at {} any more", address);
          listener.accept(address);
          return;
        }
        TimeUnit.MILLISECONDS.sleep(BETWEEN_KNOCKS_MS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static boolean isRefused(InetSocketAddress address) {
    try (Socket socket = new Socket()) {
      socket.connect(
          new InetSocketAddress(address.getHostString(), address.getPort()),
          (int) PATIENCE.toMillis());
      return false;
    } catch (ConnectException e) {
      return true;
    } catch (IOException e) { // no answer: it may be a hiccup
      return false;
    }
  }
}
