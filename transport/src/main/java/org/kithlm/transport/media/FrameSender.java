package org.kithlm.transport.media;

import io.aeron.logbuffer.BufferClaim;
import org.kithlm.transport.TransportException;

/** Frames to one peer, in their order. Owned by the thread that drives the {@link Media}. */
public interface FrameSender {
  /**
   * Makes room for a frame, to be filled and committed.
   *
   * @param spareBytes what must be left after it of the room that the peer has for frames it has
   *     not taken yet
   * @return whether there is room, and a connection
   * @throws TransportException if nothing can be sent any more
   */
  boolean tryClaim(int lengthBytes, int spareBytes, BufferClaim claim);

  /** Whether all frames are on the wire. */
  boolean isFlushed();
}
