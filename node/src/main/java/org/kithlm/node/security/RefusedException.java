package org.kithlm.node.security;

/** This device may not join; the message tells the user why and what to do. */
public final class RefusedException extends Exception {
  /** Why a removed node is refused. */
  public static final String REMOVED =
      "this device was removed from the cluster; join again with a new token (see kith token"
          + " create there)";

  private static final long serialVersionUID = 1L;

  /** For a reason. */
  public RefusedException(String reason) {
    super(reason);
  }
}
