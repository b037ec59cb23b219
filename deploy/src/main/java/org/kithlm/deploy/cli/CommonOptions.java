package org.kithlm.deploy.cli;

import picocli.CommandLine.Option;

/** What every sub-command takes; mixed in under the name {@link #MIXIN}. */
public final class CommonOptions {
  /** Name under which the options are found again when a command fails. */
  static final String MIXIN = "common";

  @Option(names = "--json", description = "Answer with one JSON object on standard output.")
  private boolean json;

  @Option(names = "--debug", description = "Show the stack trace of a failure.")
  private boolean debug;

  /** Whether the answer is for a program. */
  public boolean json() {
    return json;
  }

  /** Whether the user wants to see where a failure came from. */
  public boolean debug() {
    return debug;
  }
}
