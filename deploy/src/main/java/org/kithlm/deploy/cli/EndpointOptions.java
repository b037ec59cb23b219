package org.kithlm.deploy.cli;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.http.EndpointSettings;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import picocli.CommandLine.Option;

/** Where chat clients are served. */
final class EndpointOptions {
  @Option(
      names = "--port",
      paramLabel = "PORT",
      defaultValue = "11500",
      description = "TCP port of the chat endpoint, 0 for any free one (default: 11500).")
  private int port;

  @Option(
      names = "--listen",
      paramLabel = "ADDRESS",
      defaultValue = "127.0.0.1",
      description = "Address of the chat endpoint (default: 127.0.0.1); others need --api-key.")
  @SuppressWarnings("NullAway.Init") // set by picocli
  private String listen;

  @Option(
      names = "--api-key",
      paramLabel = "KEY",
      defaultValue = "${env:KITH_API_KEY}",
      description = "What chat clients must send (default: $KITH_API_KEY, or none).")
  private @Nullable String apiKey;

  EndpointSettings settings() {
    try {
      return new EndpointSettings(
          listen, port, apiKey, Set.of(), Set.of(), EndpointSettings.Limits.DEFAULT);
    } catch (IllegalArgumentException e) {
      throw new KithException(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
    }
  }
}
