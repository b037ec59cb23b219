package org.kithlm.deploy.chat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.kithlm.deploy.KithException;

/** A conversation in the terminal: a line in, an answer out, all of it kept as context. */
public final class ChatRepl {
  private final ChatClient client;
  private final BufferedReader in;
  private final PrintWriter out;
  private final PrintWriter err;
  private final List<ChatClient.Message> history = new ArrayList<>();

  /**
   * A conversation with nothing said yet.
   *
   * @param out for prompts and answers
   * @param err for figures and failures
   */
  public ChatRepl(ChatClient client, BufferedReader in, PrintWriter out, PrintWriter err) {
    this.client = client;
    this.in = in;
    this.out = out;
    this.err = err;
  }

  /**
   * Talks until {@code /exit} or the end of the input.
   *
   * @throws KithException if the endpoint can't be reached at the start; later failures are told
   *     and the conversation goes on
   */
  public void run() throws IOException, InterruptedException {
    String model = client.model();
    out.println(model + "; /clear forgets the conversation, /exit ends it");
    while (true) {
      out.print("> ");
      out.flush();
      String line = in.readLine();
      if (line == null || line.strip().equals("/exit")) {
        return;
      }
      switch (line.strip()) {
        case "" -> {}
        case "/clear" -> history.clear();
        default -> ask(model, line);
      }
    }
  }

  private void ask(String model, String line) throws InterruptedException {
    history.add(new ChatClient.Message("user", line));
    try {
      ChatClient.Answer answer = client.ask(model, List.copyOf(history), this::print);
      out.println();
      history.add(new ChatClient.Message("assistant", answer.text()));
      err.printf(
          Locale.ROOT,
          "[first token after %.0f ms, %.1f tokens/s%s]%n",
          answer.ttftMs(),
          answer.tokensPerSecond(),
          answer.finishReason().equals("length") ? ", cut at the token limit" : "");
    } catch (KithException e) {
      // As if it had not been asked: a half answer would mislead the model.
      history.removeLast();
      out.println();
      err.println("kith: " + e.getMessage());
    }
    err.flush();
  }

  private void print(String text) {
    out.print(text);
    out.flush();
  }
}
