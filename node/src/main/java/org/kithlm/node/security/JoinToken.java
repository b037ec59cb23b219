package org.kithlm.node.security;

import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a device needs to join a cluster: where its coordinator is, how to know it, and a secret
 * that the coordinator knows the hash of. Written {@code HOST:PORT/FINGERPRINT/SECRET}.
 *
 * @param host address of the coordinator; IPv6 without brackets
 * @param port TCP port that it takes in nodes at
 * @param fingerprint SHA-256 of the cluster's root certificate, 64 hexadecimal digits
 * @param secret 128 random bits, 32 hexadecimal digits
 */
public record JoinToken(String host, int port, String fingerprint, String secret) {
  private static final int SECRET_BYTES = 16;
  private static final int MAX_PORT = 65535;
  private static final Pattern FORM =
      Pattern.compile(
          "(?:\\[([0-9a-fA-F:.]+)\\]|([A-Za-z0-9.-]+)):(\\d{1,5})/([0-9a-f]{64})/([0-9a-f]{32})");
  private static final SecureRandom RANDOM = new SecureRandom();

  /**
   * Reads a token.
   *
   * @throws IllegalArgumentException if it is none; the message does not repeat it
   */
  public static JoinToken parse(String text) {
    Matcher form = FORM.matcher(text.strip());
    if (!form.matches() || Integer.parseInt(form.group(3)) > MAX_PORT) {
      throw new IllegalArgumentException(
          "the join token is not HOST:PORT/FINGERPRINT/SECRET; copy the whole line that kith up"
              + " or kith token create printed");
    }
    String host = form.group(1) != null ? form.group(1) : form.group(2);
    return new JoinToken(host, Integer.parseInt(form.group(3)), form.group(4), form.group(5));
  }

  /** A fresh secret for a token, also fit as the random name of something. */
  public static String newSecret() {
    byte[] bytes = new byte[SECRET_BYTES];
    RANDOM.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  /** The same token for a coordinator that is found elsewhere. */
  public JoinToken at(String otherHost, int otherPort) {
    return new JoinToken(otherHost, otherPort, fingerprint, secret);
  }

  /** The token as users copy it. */
  public String text() {
    String address = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
    return address + ":" + port + "/" + fingerprint + "/" + secret;
  }

  /** Without the secret, as logs are shown around. */
  @Override
  public String toString() {
    return "join token for " + host + ":" + port;
  }
}
