package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetSocketAddress;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.membership.ClusterView;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.KithHome;
import org.kithlm.deploy.cluster.ClusterWatch;
import org.kithlm.deploy.cluster.Server;
import org.kithlm.deploy.cluster.ServerOptions;
import org.kithlm.deploy.cluster.StateFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A server, what is known of its cluster, and the state file that shows it to {@code kith ps}. */
final class ServerSession implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ServerSession.class);

  private final ServerOptions options;
  private final Server server;
  private final ClusterWatch watch;
  private final @Nullable StateFile stateFile;
  private final AtomicBoolean closed = new AtomicBoolean();

  private ServerSession(
      ServerOptions options, Server server, ClusterWatch watch, @Nullable StateFile stateFile) {
    this.options = options;
    this.server = server;
    this.watch = watch;
    this.stateFile = stateFile;
  }

  /** Starts a server; one without an endpoint answers once and is not shown. */
  static ServerSession start(ServerOptions options, KithHome home) throws IOException {
    StateFile stateFile = options.endpoint() == null ? null : new StateFile(home);
    ClusterWatch watch = new ClusterWatch();
    Server server = Server.start(options, watch);
    ServerSession session = new ServerSession(options, server, watch, stateFile);
    watch.onChange(session::publish);
    return session;
  }

  Server server() {
    return server;
  }

  ClusterWatch watch() {
    return watch;
  }

  /** The line that says that clients are served. */
  void printReady(PrintWriter out, boolean json) throws IOException {
    ClusterView view = watch.view();
    if (view == null) {
      throw new IllegalStateException("printed before the cluster had a state");
    }
    StateFile.State state = state(view);
    out.println(
        json
            ? Json.MAPPER.writeValueAsString(state)
            : state.model()
                + " is served at "
                + state.endpoint()
                + "/v1 by "
                + state.nodes().size()
                + " nodes, with a page to chat on at "
                + state.endpoint()
                + "/; stop it with Ctrl-C");
  }

  @Override
  public void close() throws IOException {
    boolean first = closed.compareAndSet(false, true);
    server.close(); // waits, also where the process ends meanwhile
    if (first && stateFile != null) {
      stateFile.delete();
    }
  }

  private void publish(ClusterView view) {
    if (stateFile == null || closed.get()) {
      return;
    }
    try {
      stateFile.write(state(view));
    } catch (IOException e) {
      LOG.warn("cannot write the state for kith ps: {}", e.getMessage());
    }
  }

  private StateFile.State state(ClusterView view) {
    InetSocketAddress address = server.endpointAddress();
    return new StateFile.State(
        address == null
            ? null
            : "http://" + address.getAddress().getHostAddress() + ":" + address.getPort(),
        options.model(),
        view.phase().name().toLowerCase(Locale.ROOT),
        view.epoch(),
        view.nodes(),
        view.sums(),
        view.attention());
  }
}
