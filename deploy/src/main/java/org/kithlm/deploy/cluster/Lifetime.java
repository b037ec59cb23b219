package org.kithlm.deploy.cluster;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;

/** Ways in which a process of a cluster comes to its end. */
public final class Lifetime {
  private static final int INTERRUPTED = 130;

  private Lifetime() {}

  /** Closes something when the process ends by a signal or by itself. */
  public static void closeAtExit(AutoCloseable resource) {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  try {
                    resource.close();
                  } catch (Exception e) {
                    System.err.println("kith: closing: " + e.getMessage());
                  }
                },
                "kith-exit"));
  }

  /** Ends the process when its standard input does: the parent is gone. */
  public static void endWithStandardInput() {
    Thread.ofPlatform()
        .name("kith-parent")
        .daemon()
        .start(
            () -> {
              try {
                while (System.in.read() >= 0) {
                  // Nobody writes; only the end matters.
                }
              } catch (IOException e) {
                // As good as the end.
              }
              System.exit(0);
            });
  }

  /** Waits until a signal ends the process. */
  public static int awaitSignal() {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return INTERRUPTED;
  }
}
