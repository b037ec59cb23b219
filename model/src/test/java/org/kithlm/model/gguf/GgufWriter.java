package org.kithlm.model.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes small GGUF v3 files for tests; it checks nothing, so that bad files can be made too. */
public final class GgufWriter {
  private static final int ALIGNMENT = 32;

  private record Tensor(String name, GgmlType type, long[] dimensions, byte[] data) {}

  private final Map<String, Object> pairs = new LinkedHashMap<>();
  private final List<Tensor> tensors = new ArrayList<>();

  /**
   * Adds a pair. String, Integer (u32), Long (u64), Float, Double, Boolean, {@code List<String>},
   * int[] (i32), float[] and boolean[] keep their kind.
   */
  public GgufWriter put(String key, Object value) {
    pairs.put(key, value);
    return this;
  }

  /** Removes a pair. */
  public GgufWriter remove(String key) {
    pairs.remove(key);
    return this;
  }

  /**
   * Adds a tensor.
   *
   * @param data block bytes, row by row
   * @param dimensions columns first
   */
  public GgufWriter tensor(String name, GgmlType type, byte[] data, long... dimensions) {
    tensors.add(new Tensor(name, type, dimensions, data));
    return this;
  }

  /** Writes the file. */
  public Path write(Path path) throws IOException {
    return Files.write(path, bytes());
  }

  /** The whole file. */
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
      offsetBytes += Math.ceilDiv((long) tensor.data.length, ALIGNMENT) * ALIGNMENT;
    }
    for (Tensor tensor : tensors) {
      out.align();
      out.bytes(tensor.data);
    }
    out.align();
    return out.bytes.toByteArray();
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

    void align() {
      while (bytes.size() % ALIGNMENT != 0) {
        bytes.write(0);
      }
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
