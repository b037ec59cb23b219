package org.kithlm.transport.collective;

import io.aeron.ExclusivePublication;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.UnsafeBuffer;
import org.kithlm.transport.SessionConfig;
import org.kithlm.transport.frame.FrameFlyweight;
import org.kithlm.transport.frame.FrameKind;
import org.kithlm.transport.media.Media;

/** Sends a root whatever a test wants, well-formed or not. Owned by the test's thread. */
final class FakeLeaf implements AutoCloseable {
  private static final long DEADLINE_NS = TimeUnit.SECONDS.toNanos(20);

  private final SessionConfig config;
  private final Media media;
  private final ExclusivePublication toRoot;
  private final UnsafeBuffer buffer = new UnsafeBuffer(new byte[8192]);

  FakeLeaf(SessionConfig config) {
    this.config = config;
    media = new Media(config);
    toRoot = media.publicationTo(config.peers().getFirst());
  }

  FrameFlyweight header() {
    return FrameFlyweight.allocateHeader(config.epoch(), config.rank());
  }

  /** Says hello and ready, as a leaf does. */
  void connect() {
    int frameFloats = (config.mtuLength() - 32 - FrameFlyweight.HEADER_LENGTH_BYTES) / Float.BYTES;
    send(
        header()
            .subject(FrameKind.HELLO, 0, config.collective().code(), config.peers().size())
            .part(frameFloats, 0, config.maxFloats()),
        new float[0]);
    send(header().subject(FrameKind.READY, 0, 0, 0), new float[0]);
  }

  void send(FrameFlyweight header, float[] values) {
    int lengthBytes = encode(header, values);
    send(lengthBytes);
  }

  /** Puts a frame into {@link #buffer} and returns its length. */
  int encode(FrameFlyweight header, float[] values) {
    header.copyTo(buffer, 0, values);
    return FrameFlyweight.HEADER_LENGTH_BYTES + header.count() * Float.BYTES;
  }

  UnsafeBuffer buffer() {
    return buffer;
  }

  /** Sends the first bytes of {@link #buffer}. */
  void send(int lengthBytes) {
    long startNs = System.nanoTime();
    while (toRoot.offer(buffer, 0, lengthBytes) < 0) {
      doWork(startNs);
    }
    media.doWork();
  }

  /** Moves frames until {@code thread} ends. */
  void driveUntilDone(Thread thread) {
    long startNs = System.nanoTime();
    while (thread.isAlive()) {
      doWork(startNs);
    }
  }

  private void doWork(long startNs) {
    long waitedNs = System.nanoTime() - startNs;
    if (waitedNs > DEADLINE_NS) {
      throw new AssertionError("the root does not take frames");
    }
    media.doWork();
    Backoff.idle(waitedNs);
  }

  @Override
  public void close() {
    media.close();
  }
}
