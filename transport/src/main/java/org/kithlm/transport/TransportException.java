package org.kithlm.transport;

/** The session cannot go on; the message names the peer or the resource. */
public class TransportException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** With a message. */
  public TransportException(String message) {
    super(message);
  }

  /** With a message and its cause. */
  public TransportException(String message, Throwable cause) {
    super(message, cause);
  }
}
