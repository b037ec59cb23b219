package org.kithlm.deploy.chat;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import org.jline.reader.Candidate;
import org.jline.reader.EOFError;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.ParsedLine;
import org.jline.reader.Parser;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.DefaultParser;
import org.jline.terminal.Terminal;
import org.jspecify.annotations.Nullable;

/**
 * Messages typed by a person: with editing, a history that is kept, and Ctrl-C, which drops what is
 * being typed or stops what runs.
 */
public final class TerminalSource implements MessageSource {
  /** Messages in the history file. */
  private static final int HISTORY_MAX = 1000;

  private final Terminal terminal;
  private final LineReader reader;

  /**
   * Messages of a terminal, which is closed with this.
   *
   * @param history file of what was typed before
   * @param commands offered for completion
   */
  public TerminalSource(Terminal terminal, Path history, List<String> commands) {
    this.terminal = terminal;
    this.reader =
        LineReaderBuilder.builder()
            .terminal(terminal)
            .parser(new MessageParser())
            .completer(
                (line, parsed, candidates) -> {
                  if (parsed.line().startsWith("/") && parsed.wordIndex() == 0) {
                    commands.forEach(command -> candidates.add(new Candidate(command)));
                  }
                })
            .variable(LineReader.HISTORY_FILE, history)
            .variable(LineReader.HISTORY_SIZE, HISTORY_MAX)
            .variable(LineReader.HISTORY_FILE_SIZE, HISTORY_MAX)
            .variable(LineReader.SECONDARY_PROMPT_PATTERN, MORE)
            .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true) // "!" is text
            .build();
  }

  @Override
  public @Nullable String next() {
    while (true) {
      try {
        return reader.readLine(PROMPT);
      } catch (UserInterruptException e) {
        // What was typed is dropped.
      } catch (EndOfFileException e) {
        return null;
      }
    }
  }

  @Override
  public PrintWriter out() {
    return terminal.writer();
  }

  @Override
  public PrintWriter err() {
    return terminal.writer();
  }

  @Override
  public boolean interruptibly(Interruptible action) {
    Thread running = Thread.currentThread();
    Terminal.SignalHandler before =
        terminal.handle(Terminal.Signal.INT, signal -> running.interrupt());
    try {
      action.run();
      return true;
    } catch (InterruptedException e) {
      return false; // the signal's; nobody else interrupts this thread
    } finally {
      terminal.handle(Terminal.Signal.INT, before);
      Thread.interrupted(); // in case it came too late
    }
  }

  @Override
  public void close() throws IOException {
    terminal.close();
  }

  /** Words as usual, but quotes are text: a message ends as {@link Typed} says. */
  private static final class MessageParser implements Parser {
    private final DefaultParser words =
        new DefaultParser().quoteChars(new char[0]).escapeChars(new char[0]);

    @Override
    public ParsedLine parse(String line, int cursor, ParseContext context) {
      if (context == ParseContext.ACCEPT_LINE && Typed.isOpen(line)) {
        throw new EOFError(-1, cursor, "the message goes on");
      }
      return words.parse(line, cursor, context);
    }
  }
}
