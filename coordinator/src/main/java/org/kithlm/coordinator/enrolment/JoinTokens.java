package org.kithlm.coordinator.enrolment;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.kithlm.node.security.Certificates;
import org.kithlm.node.security.JoinToken;
import org.kithlm.node.security.RefusedException;

/** The join tokens of a cluster; only hashes of their secrets are kept. Thread-safe. */
public final class JoinTokens {
  private static final int MAX_TOKENS = 1000;
  private static final int ID_LENGTH = 8;

  /** How long an expired token is remembered, so that its user is told that it has expired. */
  private static final Duration MEMORY = Duration.ofDays(7);

  private final Ledger<Entry> ledger;
  private final Clock clock;

  /** What may still be done with a token. */
  public enum State {
    /** It admits devices. */
    VALID,
    /** It admitted the one device that it was for. */
    USED,
    /** Its time is over. */
    EXPIRED,
    /** The user took it back. */
    REVOKED
  }

  /**
   * A token.
   *
   * @param hash SHA-256 of its secret
   * @param expiresEpochSeconds when it ends
   * @param reusable whether it admits more than one device
   * @param uses devices that it admitted
   * @param revoked whether the user took it back
   */
  record Entry(
      String hash, long expiresEpochSeconds, boolean reusable, int uses, boolean revoked) {}

  /**
   * A token, for users.
   *
   * @param id its name
   * @param state what may still be done with it
   * @param expiresEpochSeconds when it ends
   * @param reusable whether it admits more than one device
   * @param uses devices that it admitted
   */
  public record View(
      String id, State state, long expiresEpochSeconds, boolean reusable, int uses) {}

  JoinTokens(Ledger<Entry> ledger, Clock clock) {
    this.ledger = ledger;
    this.clock = clock;
  }

  /**
   * Makes a token.
   *
   * @param reusable whether it admits more than one device
   * @return its secret, which is not kept
   * @throws IOException if it can't be kept, or there are too many
   */
  public String create(Duration ttl, boolean reusable) throws IOException {
    String secret = JoinToken.newSecret();
    Instant now = clock.instant();
    ledger.<IOException>update(
        entries -> {
          List<Entry> next = new ArrayList<>(entries);
          long oldest = now.minus(MEMORY).getEpochSecond();
          next.removeIf(entry -> entry.expiresEpochSeconds() < oldest);
          if (next.size() >= MAX_TOKENS) {
            throw new IOException("there are " + MAX_TOKENS + " join tokens; wait for some to end");
          }
          long expires = now.plus(ttl).getEpochSecond();
          next.add(new Entry(Certificates.sha256(secret), expires, reusable, 0, false));
          return next;
        });
    return secret;
  }

  /**
   * Uses a token for one device.
   *
   * @throws RefusedException if it does not admit it; the message says why
   */
  void redeem(String secret) throws IOException, RefusedException {
    String hash = Certificates.sha256(secret);
    ledger.<RefusedException>update(
        entries -> {
          List<Entry> next = new ArrayList<>(entries);
          for (int i = 0; i < next.size(); i++) {
            Entry entry = next.get(i);
            if (entry.hash().equals(hash)) {
              requireValid(entry);
              next.set(
                  i,
                  new Entry(
                      hash,
                      entry.expiresEpochSeconds(),
                      entry.reusable(),
                      entry.uses() + 1,
                      false));
              return next;
            }
          }
          throw refusal("is none of this cluster's");
        });
  }

  private void requireValid(Entry entry) throws RefusedException {
    switch (state(entry)) {
      case VALID -> {}
      case USED -> throw refusal("was used by another device");
      case EXPIRED -> throw refusal("has expired");
      case REVOKED -> throw refusal("was revoked");
    }
  }

  private static RefusedException refusal(String reason) {
    return new RefusedException(
        "the coordinator refused the join token: it "
            + reason
            + "; make a new one there with kith token create");
  }

  private State state(Entry entry) {
    if (entry.revoked()) {
      return State.REVOKED;
    }
    if (!entry.reusable() && entry.uses() > 0) {
      return State.USED;
    }
    return clock.instant().getEpochSecond() >= entry.expiresEpochSeconds()
        ? State.EXPIRED
        : State.VALID;
  }

  /** All that are remembered, the oldest first. */
  public List<View> list() throws IOException {
    return ledger.read().stream()
        .map(
            entry ->
                new View(
                    idOfHash(entry.hash()),
                    state(entry),
                    entry.expiresEpochSeconds(),
                    entry.reusable(),
                    entry.uses()))
        .toList();
  }

  /** The name of a token, from its secret. */
  public static String id(String secret) {
    return idOfHash(Certificates.sha256(secret));
  }

  private static String idOfHash(String hash) {
    return hash.substring(0, ID_LENGTH);
  }

  /** Takes a token back; false if there is none with that id. */
  public boolean revoke(String id) throws IOException {
    boolean[] found = {false};
    ledger.<RuntimeException>update(
        entries ->
            entries.stream()
                .map(
                    entry -> {
                      if (!idOfHash(entry.hash()).equals(id)) {
                        return entry;
                      }
                      found[0] = true;
                      return new Entry(
                          entry.hash(),
                          entry.expiresEpochSeconds(),
                          entry.reusable(),
                          entry.uses(),
                          true);
                    })
                .toList());
    return found[0];
  }
}
