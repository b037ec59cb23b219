package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.membership.ClusterView;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.cluster.LiveCluster;
import org.kithlm.deploy.cluster.StateFile;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.RankStatistics;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith ps}. */
@Command(name = "ps", description = "Show the cluster that this machine leads.")
public final class PsCommand implements Callable<Integer> {
  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private Kith kith;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @Mixin private final ApiKeyOption key = new ApiKeyOption();

  /** The answer, for programs: the state, and what each rank has used in this epoch. */
  private record Report(
      @Nullable String endpoint,
      String model,
      String phase,
      long epoch,
      List<ClusterView.NodeView> nodes,
      @Nullable CollectiveReport sums,
      @Nullable String attention,
      Map<Integer, RankStatistics> used) {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    StateFile.State state = new StateFile(kith.home()).require();
    PrintWriter out = spec.commandLine().getOut();
    try (LiveCluster live = new LiveCluster(key.value())) {
      LiveCluster.Figures figures = live.figures(state);
      if (common.json()) {
        out.println(
            Json.MAPPER.writeValueAsString(
                new Report(
                    state.endpoint(),
                    state.model(),
                    state.phase(),
                    state.epoch(),
                    state.nodes(),
                    state.sums(),
                    state.attention(),
                    figures.used())));
      } else {
        ClusterTable.print(out, state, figures, Map.of());
      }
    }
    return ExitCode.OK.code();
  }
}
