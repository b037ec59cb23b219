package org.kithlm.model.constraint;

import java.io.ByteArrayOutputStream;

/**
 * One level of a text under way: a string, an object, what stands between two members. Frames are
 * linked to those around them and so form a stack; they are immutable, and equal ones go on alike.
 */
interface Frame {
  /** Where it goes on when this is over. */
  Frame parent();

  /** Adds what a further byte, 0 to 255, leads to; nothing where it is wrong here. */
  void next(int b, Frames out);

  /** Whether this may be over as it stands, as a number may before any byte that is no digit. */
  default boolean mayEnd() {
    return false;
  }

  /** Writes the fewest bytes after which this is over and its parent goes on. */
  void close(ByteArrayOutputStream out);

  /** Whether this is text that might end anywhere, and so never says that it is whole. */
  default boolean isFree() {
    return false;
  }

  /** How many arrays and objects are open. */
  default int depth() {
    return parent().depth();
  }

  /** Behind the whole text: nothing may follow. */
  enum End implements Frame {
    /** The only one. */
    INSTANCE;

    @Override
    public Frame parent() {
      return this;
    }

    @Override
    public void next(int b, Frames out) {}

    @Override
    public void close(ByteArrayOutputStream out) {}

    @Override
    public int depth() {
      return 0;
    }
  }
}
