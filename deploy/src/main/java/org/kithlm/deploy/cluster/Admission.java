package org.kithlm.deploy.cluster;

import java.io.IOException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import org.kithlm.node.security.Certificates;
import org.kithlm.node.security.EnrolmentClient;
import org.kithlm.node.security.EnrolmentClient.Enrolled;
import org.kithlm.node.security.IdentityFile;
import org.kithlm.node.security.JoinToken;
import org.kithlm.node.security.RefusedException;

/** Gets this device its certificate: with the one it has, or with a join token. One thread. */
public final class Admission {
  private static final long FIRST_RETRY_MS = 500;
  private static final long LONGEST_RETRY_MS = 4_000; // a coordinator that is back is found in 5 s

  private final @Nullable IdentityFile file;
  private final String name;
  private final @Nullable String host;
  private final Duration timeout;

  /**
   * For one start of a node.
   *
   * @param file keeps the identity; null for one that ends with the process
   * @param name what the user calls the device
   * @param host address that the others reach it at, null for that of the route to them
   * @param timeout how long to look for the coordinator
   */
  public Admission(
      @Nullable IdentityFile file, String name, @Nullable String host, Duration timeout) {
    this.file = file;
    this.name = name;
    this.host = host;
    this.timeout = timeout;
  }

  /**
   * What a device starts with.
   *
   * @param enrolled what the coordinator gave
   * @param host address of this device
   */
  public record Admitted(Enrolled enrolled, String host) {}

  /** One way to ask the coordinator. */
  @FunctionalInterface
  private interface Request {
    Enrolled ask(EnrolmentClient client) throws IOException, RefusedException, InterruptedException;
  }

  /**
   * Asks the coordinator until it answers.
   *
   * @param token the user's; not used again by the device that it has admitted
   * @throws KithException if there is no token and no certificate, the coordinator refuses, or it
   *     does not answer in time
   */
  public Admitted admit(@Nullable JoinToken token) throws IOException, InterruptedException {
    try {
      Optional<IdentityFile.Kept> kept = kept(token);
      if (kept.isPresent()) {
        IdentityFile.Kept known = kept.get();
        requireCurrent(known);
        return ask(
            known.joinHost(),
            known.joinPort(),
            known.tokenHash(),
            client -> client.renew(known.identity(), known.joinHost(), known.joinPort()));
      }
      if (token == null) {
        throw new RefusedException(
            "this device is in no cluster yet; give the join token that kith up printed: kith join"
                + " TOKEN");
      }
      return ask(
          token.host(),
          token.port(),
          Certificates.sha256(token.secret()),
          client -> client.enrol(token));
    } catch (RefusedException e) {
      throw new KithException(ExitCode.NOT_AUTHORISED, String.valueOf(e.getMessage()), e);
    }
  }

  /** The identity that this device has, unless it is to get another one by a new token. */
  private Optional<IdentityFile.Kept> kept(@Nullable JoinToken token)
      throws IOException, RefusedException {
    if (file == null) {
      return Optional.empty();
    }
    if (token == null) {
      return file.read();
    }
    String hash = Certificates.sha256(token.secret());
    try {
      return file.read().filter(known -> known.tokenHash().equals(hash));
    } catch (RefusedException e) {
      return Optional.empty(); // another device's, so the token is for this one
    }
  }

  private static void requireCurrent(IdentityFile.Kept known) throws RefusedException {
    try {
      known.identity().certificate().checkValidity();
    } catch (CertificateExpiredException | CertificateNotYetValidException e) {
      throw new RefusedException(
          "this device's certificate is not valid now ("
              + e.getMessage()
              + "); check the clock, or join again with a new token");
    }
  }

  private Admitted ask(String joinHost, int joinPort, String tokenHash, Request request)
      throws IOException, RefusedException, InterruptedException {
    String ownHost = host != null ? host : HostChoice.towards(joinHost);
    EnrolmentClient client = new EnrolmentClient(name, ownHost);
    long deadlineNs = System.nanoTime() + timeout.toNanos();
    long retryMs = FIRST_RETRY_MS;
    while (true) {
      Enrolled enrolled;
      try {
        enrolled = request.ask(client);
      } catch (IOException e) {
        if (System.nanoTime() >= deadlineNs) {
          throw new KithException(
              ExitCode.UNREACHABLE,
              "no coordinator answered at %s:%d within %d s (%s); check the address and that `kith up` runs there"
                  .formatted(joinHost, joinPort, timeout.toSeconds(), e.getMessage()),
              e);
        }
        TimeUnit.MILLISECONDS.sleep(retryMs);
        retryMs = Math.min(LONGEST_RETRY_MS, retryMs + retryMs / 2);
        continue;
      }
      if (file != null) {
        file.write(new IdentityFile.Kept(enrolled.identity(), joinHost, joinPort, tokenHash));
      }
      return new Admitted(enrolled, ownHost);
    }
  }
}
