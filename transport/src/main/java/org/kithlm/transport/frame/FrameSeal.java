package org.kithlm.transport.frame;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.security.GeneralSecurityException;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Seals frames with AES-128-GCM (NIST SP 800-38D), one by one. On the wire:
 *
 * <pre>
 *   0 header of {@link FrameFlyweight}, readable, authenticated
 *  48 long counter of the sender for this receiver, likewise
 *  56 elements, encrypted
 *     tag of 16 bytes
 * </pre>
 *
 * The nonce is sender and receiver (16 bits each) and the counter, so it never repeats under one
 * key as long as no counter does.
 *
 * <p>Works on heap arrays, which JCE handles faster than direct buffers. JCE itself allocates for
 * each frame; nothing else does. Owned by the session's thread.
 */
public final class FrameSeal {
  /** What sealing adds to a frame. */
  public static final int OVERHEAD_BYTES = Long.BYTES + 16;

  private static final int COUNTER_OFFSET = FrameFlyweight.HEADER_LENGTH_BYTES;
  private static final int ELEMENTS_OFFSET = COUNTER_OFFSET + Long.BYTES;
  private static final int TAG_BITS = 128;
  private static final int NONCE_BYTES = 12;

  // Enough for the JDK's AES and GHASH to be compiled; some 0.2 s of a fast core when cold.
  private static final int WARM_UP_FRAMES = 2000;
  private static final int WARM_UP_FLOATS = 512;

  private final SecretKey key;
  private final int ownRank;
  private final Cipher sealing;
  private final Cipher opening;
  private final byte[] nonce = new byte[NONCE_BYTES];
  private final UnsafeBuffer nonceBuffer = new UnsafeBuffer(nonce);
  private final byte[] plain;
  private final UnsafeBuffer plainBuffer;
  private final byte[] sealed;
  private final UnsafeBuffer sealedBuffer;
  private long openedCounter;
  private int openedLengthBytes;

  /**
   * Seals what {@code ownRank} sends and opens what it receives.
   *
   * @param key of 16 bytes, of one epoch
   * @param frameBytesMax longest frame without what sealing adds
   */
  public FrameSeal(SecretKey key, int ownRank, int frameBytesMax) {
    this.key = key;
    this.ownRank = ownRank;
    plain = new byte[frameBytesMax];
    plainBuffer = new UnsafeBuffer(plain);
    sealed = new byte[frameBytesMax + OVERHEAD_BYTES];
    sealedBuffer = new UnsafeBuffer(sealed);
    try {
      sealing = Cipher.getInstance("AES/GCM/NoPadding");
      opening = Cipher.getInstance("AES/GCM/NoPadding");
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK has no AES/GCM/NoPadding", e);
    }
  }

  /**
   * Has the JDK compile what it needs: the first frames take a hundred times what later ones do.
   */
  public void warmUp(long epoch) {
    UnsafeBuffer target = new UnsafeBuffer(new byte[sealed.length]);
    FrameFlyweight header = FrameFlyweight.allocateHeader(epoch, ownRank);
    float[] values = new float[(plain.length - FrameFlyweight.HEADER_LENGTH_BYTES) / Float.BYTES];
    FloatElements elements = new FloatElements().wrap(values);
    for (int i = 0; i < WARM_UP_FRAMES; i++) {
      int count = Math.min(values.length, 1 + i % WARM_UP_FLOATS);
      header.subject(FrameKind.SUM, 0, 0, 0).part(0, count, count);
      // To itself: no other frame has equal sender and receiver, so no nonce is used twice.
      seal(header, elements, ownRank, i, target, 0);
      int lengthBytes = FrameFlyweight.HEADER_LENGTH_BYTES + count * Float.BYTES + OVERHEAD_BYTES;
      if (!open(target, 0, lengthBytes)) {
        throw new IllegalStateException(
            "a sealed frame of " + lengthBytes + " bytes does not open");
      }
    }
  }

  /**
   * Writes a sealed frame: a header and its elements.
   *
   * @param toRank receiver
   * @param counter never used before for this receiver under this key
   */
  public void seal(
      FrameFlyweight header,
      Elements elements,
      int toRank,
      long counter,
      MutableDirectBuffer target,
      int index) {
    int lengthBytes = header.copyTo(plainBuffer, 0, elements);
    System.arraycopy(plain, 0, sealed, 0, COUNTER_OFFSET);
    sealedBuffer.putLong(COUNTER_OFFSET, counter, LITTLE_ENDIAN);
    setNonce(ownRank, toRank, counter);
    try {
      sealing.init(Cipher.ENCRYPT_MODE, key, new GCMParameterSpec(TAG_BITS, nonce));
      sealing.updateAAD(sealed, 0, ELEMENTS_OFFSET);
      sealing.doFinal(
          plain, FrameFlyweight.HEADER_LENGTH_BYTES, lengthBytes, sealed, ELEMENTS_OFFSET);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("cannot seal a frame of " + lengthBytes + " bytes", e);
    }
    target.putBytes(
        index, sealed, 0, FrameFlyweight.HEADER_LENGTH_BYTES + lengthBytes + OVERHEAD_BYTES);
  }

  /**
   * Opens a received frame; it is then in {@link #openedFrame}.
   *
   * @return whether it was sealed with this key for this rank and is unchanged
   */
  public boolean open(DirectBuffer buffer, int index, int lengthBytes) {
    int elementsBytes = lengthBytes - FrameFlyweight.HEADER_LENGTH_BYTES - OVERHEAD_BYTES;
    if (elementsBytes < 0 || lengthBytes > sealed.length) {
      return false;
    }
    buffer.getBytes(index, sealed, 0, lengthBytes);
    openedCounter = sealedBuffer.getLong(COUNTER_OFFSET, LITTLE_ENDIAN);
    setNonce(
        sealedBuffer.getInt(FrameFlyweight.RANK_OFFSET, LITTLE_ENDIAN), ownRank, openedCounter);
    try {
      opening.init(Cipher.DECRYPT_MODE, key, new GCMParameterSpec(TAG_BITS, nonce));
      opening.updateAAD(sealed, 0, ELEMENTS_OFFSET);
      opening.doFinal(
          sealed,
          ELEMENTS_OFFSET,
          lengthBytes - ELEMENTS_OFFSET,
          plain,
          FrameFlyweight.HEADER_LENGTH_BYTES);
    } catch (AEADBadTagException e) {
      return false;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("cannot open a frame of " + lengthBytes + " bytes", e);
    }
    System.arraycopy(sealed, 0, plain, 0, FrameFlyweight.HEADER_LENGTH_BYTES);
    openedLengthBytes = FrameFlyweight.HEADER_LENGTH_BYTES + elementsBytes;
    return true;
  }

  /** The frame opened last; overwritten by the next call of any method. */
  public DirectBuffer openedFrame() {
    return plainBuffer;
  }

  /** Bytes of {@link #openedFrame}. */
  public int openedLengthBytes() {
    return openedLengthBytes;
  }

  /** The counter of the frame opened last. */
  public long openedCounter() {
    return openedCounter;
  }

  private void setNonce(int fromRank, int toRank, long counter) {
    nonceBuffer.putInt(0, fromRank << 16 | toRank, LITTLE_ENDIAN);
    nonceBuffer.putLong(Integer.BYTES, counter, LITTLE_ENDIAN);
  }
}
