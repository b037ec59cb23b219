package org.kithlm.deploy;

/** What a kith command tells its caller. */
public enum ExitCode {
  /** It worked. */
  OK(0),
  /** None of the others. */
  OTHER(1),
  /** The command line is wrong. */
  USAGE(2),
  /** A peer, an endpoint or a source of models cannot be reached. */
  UNREACHABLE(3),
  /** Memory or disk is too small. */
  DOES_NOT_FIT(4),
  /** A token or key is missing or refused. */
  NOT_AUTHORISED(5);

  private final int code;

  ExitCode(int code) {
    this.code = code;
  }

  /** The number that the process ends with. */
  public int code() {
    return code;
  }
}
