package org.kithlm.node.control;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.util.Map;
import org.apache.pekko.actor.BootstrapSetup;
import org.apache.pekko.actor.setup.ActorSystemSetup;
import org.kithlm.node.security.ClusterTls;

/** Pekko's configuration for a KithLM process; the constant part is kith-cluster.conf. */
public final class ClusterSettings {
  /** Name of the actor system, part of every actor's address. */
  public static final String SYSTEM = "kith";

  /** Role of the process that holds the plan. */
  public static final String COORDINATOR_ROLE = "coordinator";

  /** Role of the other processes. */
  public static final String NODE_ROLE = "node";

  private ClusterSettings() {}

  /** What an actor system starts with: settings of {@link #of}, and the process's TLS. */
  public static ActorSystemSetup setup(Config config, ClusterTls tls) {
    return ActorSystemSetup.create(BootstrapSetup.create(config), tls.setup());
  }

  /**
   * Settings for a process that listens at an address.
   *
   * @param host address that the others reach it at
   * @param port TCP port of the control plane, 0 for any free one
   * @param role {@link #COORDINATOR_ROLE} or {@link #NODE_ROLE}
   */
  public static Config of(String host, int port, String role) {
    return ConfigFactory.parseMap(
            Map.of(
                "pekko.remote.artery.canonical.hostname",
                host,
                "pekko.remote.artery.canonical.port",
                port,
                "pekko.cluster.roles",
                java.util.List.of(role)))
        .withFallback(ConfigFactory.parseResources("kith-cluster.conf"))
        .withFallback(ConfigFactory.load())
        .resolve();
  }
}
