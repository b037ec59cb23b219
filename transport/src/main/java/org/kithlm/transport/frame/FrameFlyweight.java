package org.kithlm.transport.frame;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.util.Arrays;
import java.util.Objects;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.kithlm.transport.SumEncoding;

/**
 * A frame of numbers: a header of {@value #HEADER_LENGTH_BYTES} bytes, then {@link #count()}
 * elements, all little-endian: f32, but in PARTIAL and SUM those of the session's {@link
 * SumEncoding}.
 *
 * <pre>
 *   0 int   magic            4 int   kind
 *   8 long  epoch           16 long  step
 *  24 int   layer, or startPosition in HIDDEN
 *  28 int   block, or tokenCount in HIDDEN
 *  32 int   rank of the sender
 *  36 int   offset: index of the first element in the whole vector
 *  40 int   count: elements in this frame (0 in frames without elements)
 *  44 int   length: elements of the whole vector; in HELLO the session's maxFloats
 *  48 elements
 * </pre>
 *
 * In HELLO, {@code offset} is the most bytes of elements in one frame, {@code block} the world size
 * and {@code layer} the codes of the collective and, in the upper 16 bits, of the encoding. In BYE,
 * {@code block} is the rank that the sender lost, or its own; in TURN it is the rank that is to
 * measure. In MEASURED and COSTS the fields are those of {@link org.kithlm.transport.LinkCosts}:
 * {@code step} bytesPerSecond, {@code layer} starLatencyNs, {@code block} meshLatencyNs, {@code
 * offset} datagramNs, {@code length} sharedCores. A wrapped frame is not trusted until {@link
 * #isValid} says so.
 */
public final class FrameFlyweight {
  /** Bytes before the first element. */
  public static final int HEADER_LENGTH_BYTES = 48;

  /** "KTH3" in memory order; the digit is the version of the layout. */
  static final int MAGIC = 'K' | 'T' << 8 | 'H' << 16 | '3' << 24;

  static final int MAGIC_OFFSET = 0;
  static final int KIND_OFFSET = 4;
  static final int EPOCH_OFFSET = 8;
  static final int STEP_OFFSET = 16;
  static final int LAYER_OFFSET = 24;
  static final int BLOCK_OFFSET = 28;
  static final int RANK_OFFSET = 32;
  static final int OFFSET_OFFSET = 36;
  static final int COUNT_OFFSET = 40;
  static final int LENGTH_OFFSET = 44;

  private final UnsafeBuffer frame = new UnsafeBuffer(0, 0);

  /** Wraps received bytes; not checked yet. */
  public FrameFlyweight wrap(DirectBuffer buffer, int index, int lengthBytes) {
    frame.wrap(buffer, index, lengthBytes);
    return this;
  }

  /** Makes a header alone in memory of its own, to be sent with {@link #copyTo}. */
  public static FrameFlyweight allocateHeader(long epoch, int rank) {
    FrameFlyweight header = new FrameFlyweight();
    header.frame.wrap(new byte[HEADER_LENGTH_BYTES]);
    header.frame.putInt(MAGIC_OFFSET, MAGIC, LITTLE_ENDIAN);
    header.frame.putLong(EPOCH_OFFSET, epoch, LITTLE_ENDIAN);
    header.frame.putInt(RANK_OFFSET, rank, LITTLE_ENDIAN);
    return header;
  }

  /** Sets what a frame is about. */
  public FrameFlyweight subject(FrameKind kind, long step, int layer, int block) {
    frame.putInt(KIND_OFFSET, kind.code(), LITTLE_ENDIAN);
    frame.putLong(STEP_OFFSET, step, LITTLE_ENDIAN);
    frame.putInt(LAYER_OFFSET, layer, LITTLE_ENDIAN);
    frame.putInt(BLOCK_OFFSET, block, LITTLE_ENDIAN);
    return this;
  }

  /** Sets which part of which vector a frame carries. */
  public FrameFlyweight part(int offset, int count, int length) {
    frame.putInt(OFFSET_OFFSET, offset, LITTLE_ENDIAN);
    frame.putInt(COUNT_OFFSET, count, LITTLE_ENDIAN);
    frame.putInt(LENGTH_OFFSET, length, LITTLE_ENDIAN);
    return this;
  }

  /**
   * Writes this header, then {@link #count()} elements from {@link #offset()}.
   *
   * @param index where the frame starts in {@code target}
   * @return bytes of the elements
   */
  public int copyTo(MutableDirectBuffer target, int index, Elements elements) {
    target.putBytes(index, frame, 0, HEADER_LENGTH_BYTES);
    return elements.write(offset(), count(), target, index + HEADER_LENGTH_BYTES);
  }

  /** Copies the f32 elements of a HIDDEN or GATHER frame to {@code values} from {@code first}. */
  public void copyElementsTo(float[] values, int first) {
    int count = count();
    for (int i = 0; i < count; i++) {
      values[first + i] = frame.getFloat(HEADER_LENGTH_BYTES + i * Float.BYTES, LITTLE_ENDIAN);
    }
  }

  /** Adds the elements of a PARTIAL or SUM frame to {@code sums[0, count)}. */
  public void addElementsTo(double[] sums, SumEncoding encoding) {
    encoding.addTo(sums, count(), frame, HEADER_LENGTH_BYTES);
  }

  /** Copies the elements of a PARTIAL or SUM frame to {@code values[0, count)}. */
  public void copyElementsTo(double[] values, SumEncoding encoding) {
    Arrays.fill(values, 0, count(), -0.0); // which leaves the sign of zeros alone
    addElementsTo(values, encoding);
  }

  /**
   * Whether every field is in range and agrees with the bytes that are there.
   *
   * @param worldSize ranks of the session
   * @param maxFloats longest vector of the session
   * @param encoding of the session's sums
   */
  public boolean isValid(int worldSize, int maxFloats, SumEncoding encoding) {
    if (frame.capacity() < HEADER_LENGTH_BYTES
        || frame.getInt(MAGIC_OFFSET, LITTLE_ENDIAN) != MAGIC) {
      return false;
    }
    FrameKind kind = FrameKind.ofCode(frame.getInt(KIND_OFFSET, LITTLE_ENDIAN));
    if (kind == null || rank() < 0 || rank() >= worldSize) {
      return false;
    }
    int payloadBytes = frame.capacity() - HEADER_LENGTH_BYTES;
    return switch (kind) {
      case HELLO, READY, ABORT, WAITING, PING, PONG -> payloadBytes == 0 && count() == 0;
      case MEASURED, COSTS ->
          payloadBytes == 0
              && count() == 0
              && step() > 0
              && layer() > 0
              && block() > 0
              && offset() > 0
              && length() >= 0;
      case BYE, TURN -> payloadBytes == 0 && count() == 0 && block() >= 0 && block() < worldSize;
      case HIDDEN, PARTIAL, SUM, BURST, GATHER ->
          step() >= 0
              && layer() >= 0
              && block() >= 0
              && length() > 0
              && length() <= maxFloats
              && offset() >= 0
              && count() > 0
              && count() <= length() - offset()
              && holdsElements(kind, payloadBytes, encoding);
    };
  }

  private boolean holdsElements(FrameKind kind, int payloadBytes, SumEncoding encoding) {
    return switch (kind) {
      case PARTIAL, SUM -> encoding.isValid(frame, HEADER_LENGTH_BYTES, payloadBytes, count());
      default -> payloadBytes == (long) count() * Float.BYTES;
    };
  }

  /** Whether it says that it carries part of a vector that ranks add, have added or collect. */
  public static boolean claimsPartOfVector(DirectBuffer buffer, int index, int lengthBytes) {
    if (lengthBytes < HEADER_LENGTH_BYTES) {
      return false;
    }
    int code = buffer.getInt(index + KIND_OFFSET, LITTLE_ENDIAN);
    return code == FrameKind.PARTIAL.code()
        || code == FrameKind.SUM.code()
        || code == FrameKind.GATHER.code();
  }

  /** What it is for; of a valid frame only. */
  public FrameKind kind() {
    return Objects.requireNonNull(FrameKind.ofCode(frame.getInt(KIND_OFFSET, LITTLE_ENDIAN)));
  }

  /** Number of the plan. */
  public long epoch() {
    return frame.getLong(EPOCH_OFFSET, LITTLE_ENDIAN);
  }

  /** Number of the step. */
  public long step() {
    return frame.getLong(STEP_OFFSET, LITTLE_ENDIAN);
  }

  /** Layer; in HIDDEN the position of the first token. */
  public int layer() {
    return frame.getInt(LAYER_OFFSET, LITTLE_ENDIAN);
  }

  /** Block of the layer; in HIDDEN the number of tokens, in HELLO the world size, in BYE a rank. */
  public int block() {
    return frame.getInt(BLOCK_OFFSET, LITTLE_ENDIAN);
  }

  /** Sender. */
  public int rank() {
    return frame.getInt(RANK_OFFSET, LITTLE_ENDIAN);
  }

  /** Index of the first element in the whole vector; in HELLO the most elements of one frame. */
  public int offset() {
    return frame.getInt(OFFSET_OFFSET, LITTLE_ENDIAN);
  }

  /** Elements in this frame. */
  public int count() {
    return frame.getInt(COUNT_OFFSET, LITTLE_ENDIAN);
  }

  /** Elements of the whole vector; in HELLO the session's longest. */
  public int length() {
    return frame.getInt(LENGTH_OFFSET, LITTLE_ENDIAN);
  }

  /** Bytes of the wrapped frame. */
  public int frameLengthBytes() {
    return frame.capacity();
  }
}
