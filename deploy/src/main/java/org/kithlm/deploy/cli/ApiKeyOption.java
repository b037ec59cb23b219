package org.kithlm.deploy.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** {@code --api-key}, for commands that ask an endpoint. */
final class ApiKeyOption {
  @Option(
      names = "--api-key",
      paramLabel = "KEY",
      defaultValue = "${env:KITH_API_KEY}",
      description = "The key of the endpoint (default: $KITH_API_KEY, or none).")
  private @Nullable String value;

  @Nullable String value() {
    return value;
  }
}
