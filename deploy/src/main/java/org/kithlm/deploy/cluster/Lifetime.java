package org.kithlm.deploy.cluster;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.kithlm.deploy.ExitCode;

/** Ways in which a process of a cluster comes to its end. */
public final class Lifetime {
  private static final int INTERRUPTED = 130;
  private static final long END_SECONDS = 5;

  private Lifetime() {}

  /** Closes things, in this order, when the process ends by a signal or by itself. */
  public static void closeAtExit(AutoCloseable... resources) {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  for (AutoCloseable resource : resources) {
                    try {
                      resource.close();
                    } catch (Exception e) {
                      System.err.println("kith: closing: " + e.getMessage());
                    }
                  }
                },
                "kith-exit"));
  }

  /**
   * Ends the process when its standard input does: the parent is gone.
   *
   * @param end makes the process end; if that takes seconds, it is ended without more ado
   */
  public static void endWithStandardInput(Runnable end) {
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
              end.run();
              try {
                new CountDownLatch(1).await(END_SECONDS, TimeUnit.SECONDS);
              } catch (InterruptedException e) {
                // Time is up all the same.
              }
              Runtime.getRuntime().halt(ExitCode.OTHER.code());
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
