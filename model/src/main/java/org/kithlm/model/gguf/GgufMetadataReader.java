package org.kithlm.model.gguf;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Parses the key-value section of a GGUF file within fixed bounds on what it may allocate. */
final class GgufMetadataReader {
  private static final int STRING_BYTES_MAX = 4 << 20; // the longest chat templates are 100 KB
  private static final int KEY_BYTES_MAX = 65_535; // GGUF specification
  private static final int ELEMENTS_MAX = 4 << 20; // tokens, scores, types and merges of 1M tokens

  private static final int TYPE_STRING = 8;
  private static final int TYPE_ARRAY = 9;

  private final GgufInput input;
  private int elementsLeft = ELEMENTS_MAX;

  GgufMetadataReader(GgufInput input) {
    this.input = input;
  }

  /** Reads {@code count} pairs. */
  GgufMetadata read(int count) throws IOException {
    Map<String, Object> values = new HashMap<>();
    for (int i = 0; i < count; i++) {
      long offsetBytes = input.positionBytes();
      String key = input.readString(KEY_BYTES_MAX, "metadata key " + i);
      Object value = readValue(key);
      if (values.put(key, value) != null) {
        throw input.failure(
            "metadata key " + key + " at offset " + offsetBytes + " is a duplicate");
      }
    }
    return new GgufMetadata(values);
  }

  private Object readValue(String key) throws IOException {
    String what = "metadata " + key;
    int type = input.readInt("type of " + what);
    return type == TYPE_ARRAY ? readArray(what) : readScalar(type, what);
  }

  private Object readScalar(int type, String what) throws IOException {
    return switch (type) {
      case 6 -> Float.intBitsToFloat(input.readInt(what));
      case 7 -> readFlag(what);
      case TYPE_STRING -> input.readString(STRING_BYTES_MAX, what);
      case 12 -> Double.longBitsToDouble(input.readLong(what));
      default -> readInteger(type, what);
    };
  }

  private long readInteger(int type, String what) throws IOException {
    return switch (type) {
      case 0 -> Byte.toUnsignedLong(input.readByte(what));
      case 1 -> input.readByte(what);
      case 2 -> Short.toUnsignedLong(input.readShort(what));
      case 3 -> input.readShort(what);
      case 4 -> Integer.toUnsignedLong(input.readInt(what));
      case 5 -> input.readInt(what);
      case 10 -> readUnsignedLong(what);
      case 11 -> input.readLong(what);
      default -> throw unknownType(type, what);
    };
  }

  private long readUnsignedLong(String what) throws IOException {
    long value = input.readLong(what);
    if (value < 0) {
      throw input.failure(what + "=" + Long.toUnsignedString(value) + " exceeds 63 bits");
    }
    return value;
  }

  private boolean readFlag(String what) throws IOException {
    byte value = input.readByte(what);
    if (value != 0 && value != 1) {
      throw input.failure(what + "=" + value + " is not a flag (0 or 1)");
    }
    return value == 1;
  }

  private Object readArray(String what) throws IOException {
    int type = input.readInt("element type of " + what);
    if (type == TYPE_ARRAY) {
      throw input.failure(what + " is an array of arrays, which is not supported");
    }
    int minBytes = minElementBytes(type, what);
    int length = input.readCount(elementsLeft, "array length of " + what);
    input.require((long) length * minBytes, what);
    elementsLeft -= length;
    return switch (type) {
      case 6, 12 -> readReals(type, length, what);
      case 7 -> readFlags(length, what);
      case TYPE_STRING -> readStrings(length, what);
      default -> readIntegers(type, length, what);
    };
  }

  private int minElementBytes(int type, String what) {
    return switch (type) {
      case 0, 1, 7 -> 1;
      case 2, 3 -> 2;
      case 4, 5, 6 -> 4;
      case TYPE_STRING, 10, 11, 12 -> 8;
      default -> throw unknownType(type, what);
    };
  }

  private float[] readReals(int type, int length, String what) throws IOException {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] =
          type == 6
              ? Float.intBitsToFloat(input.readInt(what))
              : (float) Double.longBitsToDouble(input.readLong(what));
    }
    return values;
  }

  private boolean[] readFlags(int length, String what) throws IOException {
    boolean[] values = new boolean[length];
    for (int i = 0; i < length; i++) {
      values[i] = readFlag(what);
    }
    return values;
  }

  private List<String> readStrings(int length, String what) throws IOException {
    StringTable.Builder values = new StringTable.Builder(length);
    for (int i = 0; i < length; i++) {
      values.add(input.readUtf8(STRING_BYTES_MAX, what));
    }
    return values.build();
  }

  private long[] readIntegers(int type, int length, String what) throws IOException {
    long[] values = new long[length];
    for (int i = 0; i < length; i++) {
      values[i] = readInteger(type, what);
    }
    return values;
  }

  private GgufException unknownType(int type, String what) {
    return input.failure(
        what
            + " has value type "
            + Integer.toUnsignedString(type)
            + ", which GGUF does not define");
  }
}
