package org.kithlm.deploy.cluster;

import java.io.IOException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.discovery.Discovery;
import org.kithlm.deploy.discovery.JoinAddress;
import org.kithlm.node.security.Certificates;
import org.kithlm.node.security.EnrolmentClient;
import org.kithlm.node.security.EnrolmentClient.Enrolled;
import org.kithlm.node.security.IdentityFile;
import org.kithlm.node.security.JoinToken;
import org.kithlm.node.security.NotTrustedException;
import org.kithlm.node.security.RefusedException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gets this device its certificate: with the one it has, or with a join token. It asks where the
 * coordinator was last; where that does not answer, the local network is asked too. One thread.
 */
public final class Admission {
  private static final long FIRST_RETRY_MS = 500;
  private static final long LONGEST_RETRY_MS = 4_000; // a coordinator that is back is found in 5 s
  private static final Logger LOG = LoggerFactory.getLogger(Admission.class);

  private final @Nullable IdentityFile file;
  private final String name;
  private final @Nullable String host;
  private final Duration timeout;
  private final Discovery discovery;
  private final Consumer<String> notes;
  private boolean toldOfNoDiscovery;

  /**
   * For one start of a node.
   *
   * @param file keeps the identity; null for one that ends with the process
   * @param name what the user calls the device
   * @param host address that the others reach it at, null for that of the route to them
   * @param timeout how long to look for the coordinator
   * @param discovery asks the local network
   * @param notes takes lines for the user
   */
  public Admission(
      @Nullable IdentityFile file,
      String name,
      @Nullable String host,
      Duration timeout,
      Discovery discovery,
      Consumer<String> notes) {
    this.file = file;
    this.name = name;
    this.host = host;
    this.timeout = timeout;
    this.discovery = discovery;
    this.notes = notes;
  }

  /**
   * What a device starts with.
   *
   * @param enrolled what the coordinator gave
   * @param host address of this device
   */
  public record Admitted(Enrolled enrolled, String host) {}

  /** One way to ask a coordinator, wherever it is. */
  @FunctionalInterface
  private interface Request {
    Enrolled ask(EnrolmentClient client, JoinAddress address)
        throws IOException, RefusedException, InterruptedException;
  }

  /**
   * A coordinator that is looked for.
   *
   * @param address where it was last
   * @param fingerprint of its cluster's root certificate
   * @param tokenHash of the token that has led to it
   */
  private record Wanted(JoinAddress address, String fingerprint, String tokenHash) {}

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
            new Wanted(
                new JoinAddress(known.joinHost(), known.joinPort()),
                known.identity().clusterFingerprint(),
                known.tokenHash()),
            (client, address) -> client.renew(known.identity(), address.host(), address.port()));
      }
      if (token == null) {
        throw new RefusedException(
            "this device is in no cluster yet; give the join token that kith up printed: kith join"
                + " TOKEN");
      }
      return ask(
          new Wanted(
              new JoinAddress(token.host(), token.port()),
              token.fingerprint(),
              Certificates.sha256(token.secret())),
          (client, address) -> client.enrol(token.at(address.host(), address.port())));
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

  private Admitted ask(Wanted wanted, Request request)
      throws IOException, RefusedException, InterruptedException {
    long deadlineNs = System.nanoTime() + timeout.toNanos();
    long retryMs = FIRST_RETRY_MS;
    while (true) {
      try {
        return ask(wanted.address(), wanted, request);
      } catch (IOException e) {
        Optional<Admitted> elsewhere = askElsewhere(wanted, request);
        if (elsewhere.isPresent()) {
          return elsewhere.get();
        }
        if (e instanceof NotTrustedException) {
          throw new RefusedException(String.valueOf(e.getMessage()));
        }
        if (System.nanoTime() >= deadlineNs) {
          throw new KithException(
              ExitCode.UNREACHABLE,
              "no coordinator answered at %s within %d s (%s); check the address and that `kith up` runs there"
                  .formatted(wanted.address(), timeout.toSeconds(), e.getMessage()),
              e);
        }
        TimeUnit.MILLISECONDS.sleep(retryMs);
        retryMs = Math.min(LONGEST_RETRY_MS, retryMs + retryMs / 2);
      }
    }
  }

  /** Tries what the local network says; anybody may have said it. */
  private Optional<Admitted> askElsewhere(Wanted wanted, Request request)
      throws RefusedException, InterruptedException {
    for (JoinAddress address : found(wanted)) {
      try {
        Admitted admitted = ask(address, wanted, request);
        notes.accept(
            "the coordinator was at " + wanted.address() + ", mDNS found it at " + address);
        return Optional.of(admitted);
      } catch (IOException e) {
        LOG.warn("not joining {}, which mDNS named: {}", address, e.getMessage());
      }
    }
    return Optional.empty();
  }

  private List<JoinAddress> found(Wanted wanted) throws InterruptedException {
    try {
      return discovery.find(wanted.fingerprint(), wanted.address()).stream()
          .filter(address -> !address.equals(wanted.address()))
          .toList();
    } catch (IOException e) {
      if (!toldOfNoDiscovery) {
        toldOfNoDiscovery = true;
        notes.accept(
            "cannot ask the network by mDNS (%s); looking only at %s"
                .formatted(e.getMessage(), wanted.address()));
      }
      return List.of();
    }
  }

  private Admitted ask(JoinAddress address, Wanted wanted, Request request)
      throws IOException, RefusedException, InterruptedException {
    String ownHost = host != null ? host : HostChoice.towards(address.host());
    Enrolled enrolled = request.ask(new EnrolmentClient(name, ownHost), address);
    if (file != null) {
      file.write(
          new IdentityFile.Kept(
              enrolled.identity(), address.host(), address.port(), wanted.tokenHash()));
    }
    return new Admitted(enrolled, ownHost);
  }
}
