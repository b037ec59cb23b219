package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.cluster.LiveCluster;
import org.kithlm.deploy.cluster.StateFile;
import org.kithlm.node.control.RankStatistics;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith top}: {@code kith ps}, again and again. Ctrl-C ends it. */
@Command(
    name = "top",
    description = "Watch the cluster that this machine leads; times are those since the last look.")
public final class TopCommand implements Callable<Integer> {
  /** ANSI: to the upper left corner, and clear the screen. */
  private static final String CLEAR = "\033[H\033[2J";

  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private Kith kith;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @Mixin private final ApiKeyOption key = new ApiKeyOption();

  @Option(
      names = "--interval",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      defaultValue = "2s",
      description = "How often to look (default: 2s).")
  @SuppressWarnings("NullAway.Init") // set by picocli
  private Duration interval;

  @Option(
      names = "--looks",
      paramLabel = "N",
      defaultValue = "0",
      description = "End after so many (default: 0, never).")
  private int looks;

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (common.json()) {
      throw new KithException(ExitCode.USAGE, "kith top is for people; programs use kith ps");
    }
    StateFile file = new StateFile(kith.home());
    PrintWriter out = spec.commandLine().getOut();
    Map<Integer, RankStatistics> earlier = Map.of();
    long epoch = 0;
    try (LiveCluster live = new LiveCluster(key.value())) {
      for (int look = 1; ; look++) {
        StateFile.State state = file.require();
        LiveCluster.Figures figures = live.figures(state);
        StringWriter table = new StringWriter(); // in one piece, so that it does not flicker
        ClusterTable.print(
            new PrintWriter(table), state, figures, state.epoch() == epoch ? earlier : Map.of());
        out.print(CLEAR + table);
        out.flush();
        if (look == looks) {
          return ExitCode.OK.code();
        }
        earlier = figures.used();
        epoch = state.epoch();
        TimeUnit.NANOSECONDS.sleep(interval.toNanos());
      }
    }
  }
}
