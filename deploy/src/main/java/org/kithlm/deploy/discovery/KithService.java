package org.kithlm.deploy.discovery;

import java.util.Locale;
import java.util.Map;
import javax.jmdns.ServiceInfo;

/** What is announced of a cluster; nothing of it is secret. */
final class KithService {
  /** As RFC 6763 has it: the service, and that it is reached by TCP. */
  static final String TYPE = "_kithlm._tcp.local.";

  private static final String CLUSTER_KEY = "ca";

  /** 64 bits tell the clusters of a network apart; the whole fingerprint is checked later. */
  private static final int ID_LENGTH = 16;

  private KithService() {}

  /** How a cluster is told from others. */
  static String clusterId(String fingerprint) {
    return fingerprint.substring(0, ID_LENGTH);
  }

  static ServiceInfo of(String fingerprint, int port) {
    String id = clusterId(fingerprint);
    return ServiceInfo.create(TYPE, "kithlm-" + id, port, 0, 0, Map.of(CLUSTER_KEY, id));
  }

  /** Whether a service is of this kind. */
  static boolean isType(String type) {
    return type.toLowerCase(Locale.ROOT).equals(TYPE);
  }

  /** Whether an announcement says that it is of a cluster. */
  static boolean isOf(ServiceInfo info, String clusterId) {
    return clusterId.equals(info.getPropertyString(CLUSTER_KEY));
  }
}
