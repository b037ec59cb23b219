package org.kithlm.transport.media;

import io.aeron.logbuffer.ControlledFragmentHandler;

/**
 * Frames of one sender, each once and in their order. Owned by the thread that drives the {@link
 * Media}.
 */
public interface FrameReceiver {
  /** Hands at most {@code limit} frames that have arrived to {@code handler}. */
  void poll(ControlledFragmentHandler handler, int limit);

  /**
   * Shows frames that have arrived since the last look, also those behind frames that are not taken
   * yet, and leaves all in place.
   */
  void lookAhead(ControlledFragmentHandler handler);

  /** Whether nothing more can come. */
  boolean isGone();
}
