package org.kithlm.deploy.chat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.KithException;

/** A conversation in the terminal: a message in, an answer out, all of it kept as context. */
public final class ChatRepl {
  /** What can be typed besides messages. */
  public static final List<String> COMMANDS =
      List.of("/help", "/clear", "/retry", "/system", "/temperature", "/exit");

  private static final String HELP =
      """
      /clear            forget the conversation
      /retry            answer the last message again
      /system TEXT      what the model is told before the conversation; without TEXT nothing
      /temperature T    0 takes the likeliest token each time; without T the endpoint's
      /exit, Ctrl-D     end
      Ctrl-C            stop the answer, or drop what is being typed
      Several lines: begin and end with \""", or end each line but the last with a backslash.\
      """;

  private final ChatClient client;
  private final MessageSource source;
  private final List<ChatClient.Message> history = new ArrayList<>();
  private ChatClient.@Nullable Message system;

  /** A conversation with nothing said yet. */
  public ChatRepl(ChatClient client, MessageSource source) {
    this.client = client;
    this.source = source;
  }

  /**
   * Talks until {@code /exit} or the end of the input.
   *
   * @throws KithException if the endpoint can't be reached at the start; later failures are told
   *     and the conversation goes on
   */
  public void run() throws IOException, InterruptedException {
    String model = client.model();
    source.out().println(model + "; /help tells what can be typed, /exit ends");
    while (true) {
      String typed = source.next();
      if (typed == null || typed.strip().equals("/exit")) {
        return;
      }
      if (typed.startsWith("/")) {
        command(model, typed.strip());
      } else if (!typed.isBlank()) {
        history.add(new ChatClient.Message("user", Typed.text(typed)));
        answer(model);
      }
      source.err().flush();
    }
  }

  private void command(String model, String typed) throws InterruptedException {
    String[] words = typed.split("\\s+", 2);
    String argument = words.length == 1 ? "" : words[1];
    switch (words[0]) {
      case "/help" -> source.out().println(HELP);
      case "/clear" -> history.clear();
      case "/retry" -> retry(model);
      case "/system" ->
          system =
              argument.isEmpty() ? null : new ChatClient.Message("system", Typed.text(argument));
      case "/temperature" -> temperature(argument);
      default -> source.err().println("kith: there is no " + words[0] + "; see /help");
    }
  }

  private void temperature(String argument) {
    try {
      client.temperature(argument.isEmpty() ? null : Float.valueOf(argument));
    } catch (NumberFormatException e) {
      source.err().println("kith: " + argument + " is not a number, such as 0.7");
    }
  }

  private void retry(String model) throws InterruptedException {
    if (!history.isEmpty() && history.getLast().role().equals("assistant")) {
      history.removeLast();
    }
    if (history.isEmpty()) {
      source.err().println("kith: nothing has been asked yet");
    } else {
      answer(model);
    }
  }

  /** Answers the last message. */
  private void answer(String model) throws InterruptedException {
    StringBuilder text = new StringBuilder();
    try {
      if (!source.interruptibly(() -> ask(model, text))) {
        source.out().println();
        source.err().println("[stopped]");
      }
    } catch (KithException e) {
      text.setLength(0); // a half answer would mislead the model
      source.out().println();
      source.err().println("kith: " + e.getMessage());
    }
    if (text.isEmpty()) {
      history.removeLast(); // as if it had not been asked
    } else {
      history.add(new ChatClient.Message("assistant", text.toString()));
    }
  }

  private void ask(String model, StringBuilder text) throws InterruptedException {
    ChatClient.Answer answer =
        client.ask(
            model,
            messages(),
            part -> {
              text.append(part);
              source.out().print(part);
              source.out().flush();
            });
    source.out().println();
    source
        .err()
        .printf(
            Locale.ROOT,
            "[first token after %.0f ms, %.1f tokens/s%s]%n",
            answer.ttftMs(),
            answer.tokensPerSecond(),
            answer.finishReason().equals("length") ? ", cut at the token limit" : "");
  }

  private List<ChatClient.Message> messages() {
    List<ChatClient.Message> messages = new ArrayList<>();
    if (system != null) {
      messages.add(system);
    }
    messages.addAll(history);
    return List.copyOf(messages);
  }
}
