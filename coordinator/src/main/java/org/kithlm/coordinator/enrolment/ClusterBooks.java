package org.kithlm.coordinator.enrolment;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;

/**
 * What a cluster knows of those who may take part in it.
 *
 * @param authority signs their certificates
 * @param tokens admit devices
 * @param nodes those that were admitted
 */
public record ClusterBooks(CertificateAuthority authority, JoinTokens tokens, NodeRegister nodes) {

  /** The books that are kept in a folder, which exists; made where they are missing. */
  public static ClusterBooks open(Path folder) throws IOException {
    return new ClusterBooks(
        CertificateAuthority.open(folder.resolve("authority.json")), tokens(folder), nodes(folder));
  }

  /** The tokens in such a folder. */
  public static JoinTokens tokens(Path folder) {
    return new JoinTokens(
        new FileLedger<>(folder.resolve("tokens.json"), JoinTokens.Entry.class), Clock.systemUTC());
  }

  /** The nodes in such a folder. */
  public static NodeRegister nodes(Path folder) {
    return new NodeRegister(
        new FileLedger<>(folder.resolve("nodes.json"), NodeRegister.Entry.class),
        Clock.systemUTC());
  }

  /** New books that are not kept. */
  public static ClusterBooks inMemory() {
    return new ClusterBooks(
        CertificateAuthority.create(),
        new JoinTokens(new MemoryLedger<>(), Clock.systemUTC()),
        new NodeRegister(new MemoryLedger<>(), Clock.systemUTC()));
  }
}
