package org.kithlm.model.gguf;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The key-value section of a GGUF file. Integers of any width are held as {@link Long}, floats as
 * {@link Float} or {@link Double}, arrays as {@code List<String>}, {@code long[]}, {@code float[]}
 * or {@code boolean[]}. Immutable by convention: arrays are handed out without a copy, as a
 * vocabulary has hundreds of thousands of entries.
 */
public final class GgufMetadata {
  private final Map<String, Object> values;

  /** Wraps values of the types named above. */
  public GgufMetadata(Map<String, Object> values) {
    this.values = Map.copyOf(values);
  }

  /** All keys. */
  public Set<String> keys() {
    return values.keySet();
  }

  /** Whether the key is there. */
  public boolean contains(String key) {
    return values.containsKey(key);
  }

  /**
   * A string.
   *
   * @throws GgufException if it is missing or of another type
   */
  public String string(String key) {
    return require(key, String.class);
  }

  /** A string, if the key is there. */
  public Optional<String> optionalString(String key) {
    return contains(key) ? Optional.of(string(key)) : Optional.empty();
  }

  /**
   * An integer that must fit an {@code int}.
   *
   * @throws GgufException if it is missing, of another type or out of range
   */
  public int integer(String key) {
    long value = require(key, Long.class);
    if (value != (int) value) {
      throw new GgufException("metadata " + key + "=" + value + " is out of range");
    }
    return (int) value;
  }

  /** An integer, or a default where the key is missing. */
  public int integer(String key, int defaultValue) {
    return contains(key) ? integer(key) : defaultValue;
  }

  /**
   * A float (integers are widened).
   *
   * @throws GgufException if it is missing or of another type
   */
  public float real(String key) {
    return require(key, Number.class).floatValue();
  }

  /** A float, or a default where the key is missing. */
  public float real(String key, float defaultValue) {
    return contains(key) ? real(key) : defaultValue;
  }

  /** A flag, or a default where the key is missing. */
  public boolean flag(String key, boolean defaultValue) {
    return contains(key) ? require(key, Boolean.class) : defaultValue;
  }

  /**
   * An array of strings.
   *
   * @throws GgufException if it is missing or of another type
   */
  @SuppressWarnings("unchecked") // the reader makes lists of strings only
  public List<String> strings(String key) {
    return (List<String>) require(key, List.class);
  }

  /**
   * An array of integers.
   *
   * @throws GgufException if it is missing or of another type
   */
  public long[] integers(String key) {
    return require(key, long[].class);
  }

  /**
   * An array of floats.
   *
   * @throws GgufException if it is missing or of another type
   */
  public float[] reals(String key) {
    return require(key, float[].class);
  }

  /** Whether the key is there and holds an array of integers. */
  public boolean isIntegerArray(String key) {
    return values.get(key) instanceof long[];
  }

  /** A flag array; see {@link #strings}. */
  public boolean[] flags(String key) {
    return require(key, boolean[].class);
  }

  private <T> T require(String key, Class<T> type) {
    Object value = values.get(key);
    if (value == null) {
      throw new GgufException("metadata " + key + " is missing");
    }
    if (!type.isInstance(value)) {
      throw new GgufException(
          "metadata "
              + key
              + " is a "
              + value.getClass().getSimpleName()
              + ", expected "
              + type.getSimpleName());
    }
    return type.cast(value);
  }
}
