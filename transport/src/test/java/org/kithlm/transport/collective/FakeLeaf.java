package org.kithlm.transport.collective;

import io.aeron.logbuffer.BufferClaim;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;
import org.kithlm.transport.SessionConfig;
import org.kithlm.transport.frame.Elements;
import org.kithlm.transport.frame.FloatElements;
import org.kithlm.transport.frame.FrameFlyweight;
import org.kithlm.transport.frame.FrameKind;
import org.kithlm.transport.frame.FrameSeal;
import org.kithlm.transport.frame.PartialElements;
import org.kithlm.transport.media.AeronMedia;
import org.kithlm.transport.media.FrameSender;
import org.kithlm.transport.media.Media;

/** Sends a root whatever a test wants, well-formed or not. Owned by the test's thread. */
final class FakeLeaf implements AutoCloseable {
  private static final int FRAME_BYTES_MAX = 16_384;
  private static final long DEADLINE_NS = TimeUnit.SECONDS.toNanos(20);

  private final SessionConfig config;
  private final Media media;
  private final Backoff backoff;
  private FrameSender toPeer;
  private final BufferClaim claim = new BufferClaim();
  private final @Nullable FrameSeal seal;
  private long counter;
  private final UnsafeBuffer buffer = new UnsafeBuffer(new byte[FRAME_BYTES_MAX + 64]);

  FakeLeaf(SessionConfig config) {
    this.config = config;
    media = new AeronMedia(config);
    backoff = new Backoff(media);
    seal =
        config.key() == null ? null : new FrameSeal(config.key(), config.rank(), FRAME_BYTES_MAX);
    toPeer = media.senderTo(config.peers().getFirst());
  }

  /** From now on it sends to another rank than the root. */
  void turnTo(int rank) {
    toPeer = media.senderTo(config.peers().get(rank));
  }

  FrameFlyweight header() {
    return FrameFlyweight.allocateHeader(config.epoch(), config.rank());
  }

  /** Says hello and ready, as a leaf does. */
  void connect() {
    int overheadBytes =
        32 + FrameFlyweight.HEADER_LENGTH_BYTES + (seal == null ? 0 : FrameSeal.OVERHEAD_BYTES);
    int elementsBytes = config.datagramLength() - overheadBytes;
    send(
        header()
            .subject(
                FrameKind.HELLO,
                0,
                config.encoding().code() << 16 | config.collective().code(),
                config.peers().size())
            .part(elementsBytes, 0, config.maxFloats()),
        new float[0]);
    send(header().subject(FrameKind.READY, 0, 0, 0), new float[0]);
  }

  void send(FrameFlyweight header, float[] values) {
    int lengthBytes = encode(header, values);
    send(lengthBytes);
  }

  /** Puts a frame into {@link #buffer} and returns its length. */
  int encode(FrameFlyweight header, float[] values) {
    Elements elements = elements(header, values);
    int lengthBytes =
        FrameFlyweight.HEADER_LENGTH_BYTES + elements.lengthBytes(header.offset(), header.count());
    if (seal == null) {
      header.copyTo(buffer, 0, elements);
      return lengthBytes;
    }
    seal.seal(header, elements, 0, ++counter, buffer, 0);
    return lengthBytes + FrameSeal.OVERHEAD_BYTES;
  }

  /** As frames of that kind carry them. */
  Elements elements(FrameFlyweight header, float[] values) {
    return header.kind() == FrameKind.PARTIAL
        ? new PartialElements(config.encoding(), buffer.capacity()).wrap(InPlace.doubles(values))
        : new FloatElements().wrap(values);
  }

  UnsafeBuffer buffer() {
    return buffer;
  }

  /** Sends the first bytes of {@link #buffer}. */
  void send(int lengthBytes) {
    long startNs = System.nanoTime();
    while (!toPeer.tryClaim(lengthBytes, 0, claim)) {
      doWork(startNs);
    }
    claim.buffer().putBytes(claim.offset(), buffer, 0, lengthBytes);
    claim.commit();
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
    backoff.idle(waitedNs);
  }

  @Override
  public void close() {
    media.close();
  }
}
