package org.kithlm.deploy.cli;

import java.io.BufferedReader;
import java.io.Console;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.Charset;
import java.util.concurrent.Callable;
import org.jline.terminal.TerminalBuilder;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.chat.ChatClient;
import org.kithlm.deploy.chat.ChatRepl;
import org.kithlm.deploy.chat.MessageSource;
import org.kithlm.deploy.chat.PlainSource;
import org.kithlm.deploy.chat.TerminalSource;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith chat}. In a terminal Ctrl-C stops only the answer, elsewhere it ends the command. */
@Command(name = "chat", description = "Talk to a model that is served, in the terminal.")
public final class ChatCommand implements Callable<Integer> {
  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private Kith kith;

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

  @Mixin private final ApiKeyOption key = new ApiKeyOption();

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
    try (ChatClient client = new ChatClient(url, key.value(), temperature);
        MessageSource source = source()) {
      new ChatRepl(client, source).run();
    }
    return ExitCode.OK.code();
  }

  /** A terminal where there is one at both ends, otherwise what standard input holds. */
  @SuppressWarnings("SystemConsoleNull") // null still in a JDK without the module jdk.internal.le
  private MessageSource source() throws IOException {
    Console console = System.console();
    if (console != null && console.isTerminal()) {
      return new TerminalSource(
          TerminalBuilder.terminal(),
          kith.home().subfolder("chat").resolve("history"),
          ChatRepl.COMMANDS);
    }
    // The system's encoding, which need not be UTF-8.
    Charset charset = Charset.forName(System.getProperty("stdin.encoding", "UTF-8"));
    return new PlainSource(
        new BufferedReader(new InputStreamReader(System.in, charset)),
        spec.commandLine().getOut(),
        spec.commandLine().getErr());
  }
}
