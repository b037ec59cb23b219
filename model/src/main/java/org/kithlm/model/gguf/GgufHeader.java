package org.kithlm.model.gguf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Builds the header of a GGUF file, version 3 (ggml/docs/gguf.md). It writes what it is told and
 * checks nothing. Owned by one thread.
 */
public final class GgufHeader {
  /** Tensors start at multiples of this many bytes. */
  public static final int ALIGNMENT_BYTES = 32;

  private record Tensor(String name, GgmlType type, long lengthBytes, long[] dimensions) {}

  private final Map<String, Object> pairs = new LinkedHashMap<>();
  private final List<Tensor> tensors = new ArrayList<>();

  /**
   * Adds a pair. String, Integer (u32), Long (u64), Float, Double, Boolean, {@code List<String>},
   * int[] (i32), float[] and boolean[] keep their kind.
   */
  public GgufHeader put(String key, Object value) {
    pairs.put(key, value);
    return this;
  }

  /** Removes a pair. */
  public GgufHeader remove(String key) {
    pairs.remove(key);
    return this;
  }

  /**
   * Adds a tensor, which lies after those before it.
   *
   * @param dimensions columns first
   */
  public GgufHeader tensor(String name, GgmlType type, long lengthBytes, long... dimensions) {
    tensors.add(new Tensor(name, type, lengthBytes, dimensions));
    return this;
  }

  /** Bytes from the end of the header to the end of the file, padding included. */
  public long dataBytes() {
    return tensors.stream().mapToLong(tensor -> aligned(tensor.lengthBytes)).sum();
  }

  /** The header, padded so that the first tensor follows. */
  public byte[] bytes() {
    Output out = new Output();
    out.bytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    out.int32(3);
    out.int64(tensors.size());
    out.int64(pairs.size());
    pairs.forEach(
        (key, value) -> {
          out.string(key);
          out.value(value);
        });
    long offsetBytes = 0;
    for (Tensor tensor : tensors) {
      out.string(tensor.name);
      out.int32(tensor.dimensions.length);
      for (long dimension : tensor.dimensions) {
        out.int64(dimension);
      }
      out.int32(tensor.type.id());
      out.int64(offsetBytes);
      offsetBytes += aligned(tensor.lengthBytes);
    }
    while (out.bytes.size() % ALIGNMENT_BYTES != 0) {
      out.bytes.write(0);
    }
    return out.bytes.toByteArray();
  }

  /** The next multiple of the alignment. */
  public static long aligned(long lengthBytes) {
    return Math.ceilDiv(lengthBytes, ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  }

  private static final class Output {
    final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    void bytes(byte[] value) {
      bytes.writeBytes(value);
    }

    void int32(int value) {
      bytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
    }

    void int64(long value) {
      bytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
    }

    void string(String value) {
      byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
      int64(utf8.length);
      bytes(utf8);
    }

    void value(Object value) {
      switch (value) {
        case String s -> {
          int32(8);
          string(s);
        }
        case Integer i -> {
          int32(4);
          int32(i);
        }
        case Long l -> {
          int32(10);
          int64(l);
        }
        case Float f -> {
          int32(6);
          int32(Float.floatToRawIntBits(f));
        }
        case Double d -> {
          int32(12);
          int64(Double.doubleToRawLongBits(d));
        }
        case Boolean b -> {
          int32(7);
          bytes.write(b ? 1 : 0);
        }
        case List<?> list -> {
          array(8, list.size());
          list.forEach(element -> string((String) element));
        }
        case int[] ints -> {
          array(5, ints.length);
          for (int i : ints) {
            int32(i);
          }
        }
        case float[] floats -> {
          array(6, floats.length);
          for (float f : floats) {
            int32(Float.floatToRawIntBits(f));
          }
        }
        case boolean[] flags -> {
          array(7, flags.length);
          for (boolean flag : flags) {
            bytes.write(flag ? 1 : 0);
          }
        }
        default -> throw new IllegalArgumentException("no GGUF type for " + value.getClass());
      }
    }

    private void array(int elementType, int length) {
      int32(9);
      int32(elementType);
      int64(length);
    }
  }
}
