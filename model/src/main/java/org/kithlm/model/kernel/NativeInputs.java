package org.kithlm.model.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.kithlm.model.gguf.GgmlType;

/**
 * The inputs of a matrix product in the form that the native kernels want for some types: the
 * struct inputs of kernels.c and, behind it, the buffers that it points to. Written by one thread,
 * then read by many.
 */
final class NativeInputs {
  private static final int ALIGNMENT = 64;
  private static final int GROUP_TOKENS = 16;

  /** Elements of a call at most, some 0.5 ms of work: the garbage collector waits for calls. */
  private static final int CALL_MAX = 1 << 20;

  // Fields of the struct, each 8 bytes, behind the addresses of the buffers.
  private static final int TOKENS = 5;
  private static final int BLOCKS = 6;

  private final NativeKernels kernels;
  private final GgmlType type;
  private final MemorySegment struct;
  private final ArraySegments segments = new ArraySegments();
  private boolean ready;

  /**
   * Allocates the buffers.
   *
   * @param type one of those that share the form
   */
  NativeInputs(NativeKernels kernels, GgmlType type, int tokensMax, int columnsMax) {
    this.kernels = kernels;
    this.type = type;
    long tokens = Math.ceilDiv(tokensMax, GROUP_TOKENS) * (long) GROUP_TOKENS;
    long columns = tokens * columnsMax;
    long blocks = columns / Activations.BLOCK;
    long planes = Activations.stepsMax(type) > Byte.MAX_VALUE ? 2 : 1;
    boolean rounded = type != GgmlType.Q8_0;
    long[] lengths = {
      rounded ? columns * planes : 0,
      rounded ? blocks * Float.BYTES : 0,
      rounded ? blocks * Float.BYTES : 0,
      rounded ? blocks * 2 * Integer.BYTES : 0,
      rounded ? 0 : columns * Float.BYTES
    };
    long bytes = ALIGNMENT;
    for (long length : lengths) {
      bytes += aligned(length);
    }
    struct = Arena.ofAuto().allocate(bytes, ALIGNMENT);
    long at = struct.address() + ALIGNMENT;
    for (int i = 0; i < lengths.length; i++) {
      struct.setAtIndex(ValueLayout.JAVA_LONG, i, at);
      at += aligned(lengths[i]);
    }
  }

  private static long aligned(long bytes) {
    return Math.ceilDiv(bytes, ALIGNMENT) * (long) ALIGNMENT;
  }

  /** Says that the inputs have changed. */
  void invalidate() {
    ready = false;
  }

  /**
   * Rounds new inputs, unless that is done already.
   *
   * @param x [tokenCount x columns], no more than the buffers hold
   */
  void prepare(float[] x, int tokenCount, int columns) {
    if (ready) {
      return;
    }
    struct.setAtIndex(ValueLayout.JAVA_LONG, TOKENS, tokenCount);
    struct.setAtIndex(ValueLayout.JAVA_LONG, BLOCKS, columns / Activations.BLOCK);
    int tokens = Math.max(1, CALL_MAX / columns);
    for (int token = 0; token < tokenCount; token += tokens) {
      kernels.round(type, segments.of(x), struct, token, Math.min(token + tokens, tokenCount));
    }
    ready = true;
  }

  /** What the kernels take. */
  MemorySegment struct() {
    return struct;
  }
}
