package org.kithlm.deploy.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.Charset;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.chat.ChatClient;
import org.kithlm.deploy.chat.ChatRepl;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kith chat}. Ctrl-C ends it, and with its connection a running answer. */
@Command(name = "chat", description = "Talk to a model that is served, in the terminal.")
public final class ChatCommand implements Callable<Integer> {
  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @Option(
      names = "--url",
      paramLabel = "URL",
      defaultValue = "http://127.0.0.1:11500",
      description = "Where the model is served (default: http://127.0.0.1:11500).")
  @SuppressWarnings("NullAway.Init") // set by picocli
  private URI url;

  @Option(
      names = "--api-key",
      paramLabel = "KEY",
      defaultValue = "${env:KITH_API_KEY}",
      description = "The key of the endpoint (default: $KITH_API_KEY, or none).")
  private @Nullable String apiKey;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "0 takes the likeliest token each time (default: the endpoint's, 1).")
  private @Nullable Float temperature;

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (common.json()) {
      throw new KithException(ExitCode.USAGE, "kith chat is for people; programs use " + url);
    }
    if (!"http".equals(url.getScheme()) || url.getHost() == null) {
      throw new KithException(
          ExitCode.USAGE, "--url " + url + " must have the form http://HOST:PORT");
    }
    // The terminal's encoding, which need not be UTF-8.
    Charset charset = Charset.forName(System.getProperty("stdin.encoding", "UTF-8"));
    try (ChatClient client = new ChatClient(url, apiKey, temperature)) {
      new ChatRepl(
              client,
              new BufferedReader(new InputStreamReader(System.in, charset)),
              spec.commandLine().getOut(),
              spec.commandLine().getErr())
          .run();
    }
    return ExitCode.OK.code();
  }
}
