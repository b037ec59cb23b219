package org.kithlm.deploy.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.membership.ClusterView;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.KithHome;
import org.kithlm.node.control.CollectiveReport;

/** The state of the cluster that this user's server leads, for {@code kith ps} and scripts. */
public final class StateFile {
  private final Path file;

  /** The file of a user. */
  public StateFile(KithHome home) {
    file = home.subfolder("run").resolve("cluster.json");
  }

  /**
   * What is shown.
   *
   * @param endpoint base URL for chat clients, null where there is none
   * @param model its name
   * @param phase what the cluster is doing
   * @param epoch number of the plan
   * @param nodes all processes, the root first
   * @param sums how the ranks form sums, null until they are connected
   * @param attention who computes attention, and why; null until they are connected
   */
  public record State(
      @Nullable String endpoint,
      String model,
      String phase,
      long epoch,
      List<ClusterView.NodeView> nodes,
      @Nullable CollectiveReport sums,
      @Nullable String attention) {}

  /** Replaces the state in one step. */
  public void write(State state) throws IOException {
    Path next = file.resolveSibling("cluster.json.new");
    Files.writeString(next, Json.MAPPER.writeValueAsString(state));
    Files.move(next, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  /** The state, if a server of this user runs. */
  public Optional<State> read() throws IOException {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    State state = Json.MAPPER.readValue(Files.readString(file), State.class);
    boolean alive =
        !state.nodes().isEmpty()
            && ProcessHandle.of(state.nodes().getFirst().pid())
                .map(ProcessHandle::isAlive)
                .orElse(false);
    return alive ? Optional.of(state) : Optional.empty();
  }

  /**
   * The state.
   *
   * @throws KithException if no server of this user runs
   */
  public State require() throws IOException {
    return read()
        .orElseThrow(
            () ->
                new KithException(
                    ExitCode.UNREACHABLE,
                    "no cluster is led from here; start one with kith up MODEL"));
  }

  /** Forgets the state. */
  public void delete() throws IOException {
    Files.deleteIfExists(file);
  }
}
