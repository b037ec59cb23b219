package org.kithlm.transport.media;

import io.aeron.Image;
import io.aeron.logbuffer.ControlledFragmentHandler;

/** An image of a sender's publication. */
final class AeronReceiver implements FrameReceiver {
  private final Image image;
  private long aheadPosition;

  AeronReceiver(Image image) {
    this.image = image;
  }

  boolean isOf(Image other) {
    return image == other;
  }

  @Override
  public void poll(ControlledFragmentHandler handler, int limit) {
    image.controlledPoll(handler, limit);
  }

  @Override
  public void lookAhead(ControlledFragmentHandler handler) {
    if (image.isClosed()) {
      return;
    }
    // Aeron looks no further ahead than the term that the next frame is in.
    int termLength = image.termBufferLength();
    long position = image.position();
    long termEnd = position - (position & (termLength - 1)) + termLength;
    long start = Math.clamp(aheadPosition, position, termEnd);
    aheadPosition = image.controlledPeek(start, handler, Long.MAX_VALUE);
  }

  @Override
  public boolean isGone() {
    return image.isClosed() || image.isEndOfStream();
  }
}
