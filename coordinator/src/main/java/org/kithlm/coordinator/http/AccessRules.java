package org.kithlm.coordinator.http;

import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.Host;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.jspecify.annotations.Nullable;

/**
 * Who may ask: requests addressed to this machine by a known name, so that a web page whose name
 * was rebound to our address gets nothing, and with the key where there is one. Thread-safe.
 */
final class AccessRules {
  private static final String SCHEME = "bearer ";

  private final Set<String> hosts = new HashSet<>();
  private final boolean anyAddress;
  private final byte @Nullable [] keyDigest;

  /**
   * Rules of an endpoint.
   *
   * @param bound the address it listens at; the wildcard address stands for all of the machine's
   */
  AccessRules(EndpointSettings settings, InetAddress bound) {
    hosts.addAll(Set.of("localhost", "127.0.0.1", "::1"));
    hosts.add(normal(settings.host()));
    hosts.add(normal(bound.getHostAddress()));
    settings.allowedHosts().forEach(host -> hosts.add(normal(host)));
    anyAddress = bound.isAnyLocalAddress();
    keyDigest = settings.apiKey() == null ? null : digest(settings.apiKey());
  }

  void checkHost(HttpRequest request) {
    var host = request.getHeader(Host.class).map(Host::host);
    String name = host.map(h -> normal(h.address())).orElse("");
    // An address can't be rebound, only a name can.
    boolean literal = host.map(h -> h.isIPv4() || h.isIPv6()).orElse(false);
    if (!hosts.contains(name) && !(anyAddress && literal)) {
      throw ApiException.of(
          StatusCodes.FORBIDDEN,
          "this endpoint does not answer to the name '" + name + "'; add it to the allowed hosts",
          "host_not_allowed");
    }
  }

  void checkKey(HttpRequest request) {
    if (keyDigest == null) {
      return;
    }
    String credentials = request.getHeader("Authorization").map(h -> h.value()).orElse("");
    String key =
        credentials.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
            ? credentials.substring(SCHEME.length()).strip()
            : "";
    // Digests are equally long, so the time tells nothing about the key's length either.
    if (!MessageDigest.isEqual(keyDigest, digest(key))) {
      throw ApiException.of(
          StatusCodes.UNAUTHORIZED,
          key.isEmpty()
              ? "an API key is needed: send it as 'Authorization: Bearer KEY'"
              : "the API key is wrong",
          "invalid_api_key",
          RawHeader.create("WWW-Authenticate", "Bearer"));
    }
  }

  private static byte[] digest(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** Lower case, without brackets, zone or the root's dot. */
  private static String normal(String host) {
    String name = host.toLowerCase(Locale.ROOT);
    if (name.startsWith("[") && name.endsWith("]")) {
      name = name.substring(1, name.length() - 1);
    }
    int zone = name.indexOf('%');
    name = zone < 0 ? name : name.substring(0, zone);
    return name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
  }
}
