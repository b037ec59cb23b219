package org.kithlm.node.security;

import java.io.IOException;

/** What answers is not the coordinator of the cluster; the message says where and why. */
public final class NotTrustedException extends IOException {
  private static final long serialVersionUID = 1L;

  NotTrustedException(String message) {
    super(message);
  }
}
