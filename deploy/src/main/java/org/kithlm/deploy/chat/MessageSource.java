package org.kithlm.deploy.chat;

import java.io.IOException;
import java.io.PrintWriter;
import org.jspecify.annotations.Nullable;

/** Where messages are typed, and the screen that they are typed on. One thread. */
public interface MessageSource extends AutoCloseable {
  /** What a message is asked for with. */
  String PROMPT = "> ";

  /** What the next line of an open message is asked for with, see {@link Typed#isOpen}. */
  String MORE = "… ";

  /** The next message as it was typed, or null at the end. */
  @Nullable String next() throws IOException;

  /** Where answers appear. */
  PrintWriter out();

  /** Where figures and failures appear. */
  PrintWriter err();

  /**
   * Runs something that Ctrl-C interrupts, instead of ending the program, where that can be told.
   *
   * @return false if it was interrupted by that
   */
  boolean interruptibly(Interruptible action) throws InterruptedException;

  /** Something that waits. */
  interface Interruptible {
    /** Does it. */
    void run() throws InterruptedException;
  }

  @Override
  void close() throws IOException;
}
