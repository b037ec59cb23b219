package org.kithlm.deploy.cli;

import java.io.Console;
import java.io.PrintWriter;
import java.time.Duration;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.catalog.ByteSize;
import org.kithlm.deploy.catalog.Progress;

/**
 * Progress on standard error: a bar on a terminal, else a line per tenth, nothing but notices when
 * a program reads the answer.
 */
final class ConsoleProgress implements Progress {
  private enum Form {
    BAR,
    LINES,
    NOTICES
  }

  private static final int LINES_PER_PHASE = 10;
  private static final int BAR_UPDATE_MS = 200;
  private static final long MEGABYTE = 1_000_000;

  private final PrintWriter err;
  private final Form form;

  private @Nullable ProgressBar bar;
  private String what = "";
  private long totalBytes;
  private long lastTenth;

  private ConsoleProgress(PrintWriter err, Form form) {
    this.err = err;
    this.form = form;
  }

  @SuppressWarnings("SystemConsoleNull") // JDK 25 is back at null where there is no terminal
  static ConsoleProgress create(PrintWriter err, boolean json) {
    Console console = System.console();
    boolean terminal = console != null && console.isTerminal();
    return new ConsoleProgress(err, json ? Form.NOTICES : terminal ? Form.BAR : Form.LINES);
  }

  /** As where standard error is no terminal. */
  static ConsoleProgress lines(PrintWriter err) {
    return new ConsoleProgress(err, Form.LINES);
  }

  @Override
  public void begin(String newWhat, long doneBytes, long newTotalBytes) {
    end();
    what = newWhat;
    totalBytes = newTotalBytes;
    switch (form) {
      case BAR ->
          bar =
              new ProgressBarBuilder()
                  .setTaskName(what)
                  .setInitialMax(totalBytes)
                  .startsFrom(doneBytes, Duration.ZERO)
                  .setUnit(" MB", MEGABYTE)
                  .setStyle(ProgressBarStyle.ASCII)
                  .setUpdateIntervalMillis(BAR_UPDATE_MS)
                  .showSpeed()
                  .setConsumer(new ConsoleProgressBarConsumer(System.err))
                  .build();
      case LINES -> {
        lastTenth = tenth(doneBytes);
        err.println(
            what
                + (totalBytes < 0 ? "" : " " + ByteSize.format(totalBytes))
                + (doneBytes > 0 ? ", " + ByteSize.format(doneBytes) + " are here already" : ""));
      }
      case NOTICES -> {}
    }
  }

  private long tenth(long doneBytes) {
    return totalBytes <= 0 ? 0 : doneBytes * LINES_PER_PHASE / totalBytes;
  }

  @Override
  public void advance(long doneBytes) {
    if (bar != null) {
      bar.stepTo(doneBytes);
    } else if (form == Form.LINES && tenth(doneBytes) > lastTenth) {
      lastTenth = tenth(doneBytes);
      err.println(what + " " + lastTenth * 100 / LINES_PER_PHASE + " %");
    }
  }

  @Override
  public void end() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }

  @Override
  public void notice(String line) {
    end();
    err.println("kith: " + line);
  }
}
