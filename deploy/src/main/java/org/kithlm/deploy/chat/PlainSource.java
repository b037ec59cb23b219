package org.kithlm.deploy.chat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import org.jspecify.annotations.Nullable;

/** Messages from a file or another program. */
public final class PlainSource implements MessageSource {
  private final BufferedReader in;
  private final PrintWriter out;
  private final PrintWriter err;

  /** Messages of a reader, which stays open. */
  public PlainSource(BufferedReader in, PrintWriter out, PrintWriter err) {
    this.in = in;
    this.out = out;
    this.err = err;
  }

  @Override
  public @Nullable String next() throws IOException {
    StringBuilder typed = new StringBuilder();
    String prompt = PROMPT;
    do {
      out.print(prompt);
      out.flush();
      String line = in.readLine();
      if (line == null) {
        return typed.isEmpty() ? null : typed.toString();
      }
      typed.append(typed.isEmpty() ? "" : "\n").append(line);
      prompt = MORE;
    } while (Typed.isOpen(typed.toString()));
    return typed.toString();
  }

  @Override
  public PrintWriter out() {
    return out;
  }

  @Override
  public PrintWriter err() {
    return err;
  }

  @Override
  public boolean interruptibly(Interruptible action) throws InterruptedException {
    action.run(); // Ctrl-C ends the program, and with its connection the answer
    return true;
  }

  @Override
  public void close() {}
}
