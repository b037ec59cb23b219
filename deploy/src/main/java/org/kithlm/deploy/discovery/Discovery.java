package org.kithlm.deploy.discovery;

import java.io.IOException;
import java.util.List;

/** Looks for the coordinator of a cluster where its address is not known any more. */
@FunctionalInterface
public interface Discovery {
  /**
   * Asks who leads a cluster, and waits some seconds for answers. Anybody may have given them.
   *
   * @param fingerprint SHA-256 of the cluster's root certificate, in hexadecimal
   * @param lost where the coordinator does not answer
   * @return addresses to try, a few at the most; none if nobody answered
   * @throws IOException if the network cannot be asked
   */
  List<JoinAddress> find(String fingerprint, JoinAddress lost)
      throws IOException, InterruptedException;
}
