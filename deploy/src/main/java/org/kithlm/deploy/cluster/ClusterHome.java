package org.kithlm.deploy.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.kithlm.coordinator.enrolment.CertificateAuthority;
import org.kithlm.coordinator.enrolment.ClusterBooks;
import org.kithlm.coordinator.enrolment.JoinTokens;
import org.kithlm.coordinator.enrolment.NodeRegister;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.KithHome;
import org.kithlm.node.security.JoinToken;
import org.kithlm.node.security.OwnerOnlyFile;

/** The folder with what a user's cluster knows of its nodes; its owner leads the cluster. */
public final class ClusterHome {
  private final Path folder;

  /** Where nodes were last taken in. */
  private record Address(String host, int port) {}

  /** The folder of a user, made where it is missing. */
  public ClusterHome(KithHome home) {
    folder = home.subfolder("cluster");
  }

  /** All that is kept; the authority is made at the first time. */
  public ClusterBooks books() throws IOException {
    return ClusterBooks.open(folder);
  }

  /** Its join tokens. */
  public JoinTokens tokens() {
    return ClusterBooks.tokens(folder);
  }

  /** Its nodes. */
  public NodeRegister nodes() {
    return ClusterBooks.nodes(folder);
  }

  /** Keeps where nodes are taken in, for tokens made later. */
  public void keepAddress(String host, int port) throws IOException {
    OwnerOnlyFile.write(addressFile(), Json.MAPPER.writeValueAsBytes(new Address(host, port)));
  }

  /**
   * Makes a token for the address that was kept.
   *
   * @param reusable whether it admits more than one device
   * @throws KithException if no cluster was ever led from here
   */
  public JoinToken createToken(Duration ttl, boolean reusable) throws IOException {
    if (!Files.exists(addressFile())) {
      throw new KithException(
          ExitCode.UNREACHABLE,
          "no cluster was led from here yet, so a token would lead nowhere; start one with kith up"
              + " MODEL");
    }
    Address address = Json.MAPPER.readValue(Files.readAllBytes(addressFile()), Address.class);
    CertificateAuthority authority = books().authority();
    return token(authority, tokens(), address.host(), address.port(), ttl, reusable);
  }

  static JoinToken token(
      CertificateAuthority authority,
      JoinTokens tokens,
      String host,
      int port,
      Duration ttl,
      boolean reusable)
      throws IOException {
    return new JoinToken(host, port, authority.fingerprint(), tokens.create(ttl, reusable));
  }

  private Path addressFile() {
    return folder.resolve("address.json");
  }
}
