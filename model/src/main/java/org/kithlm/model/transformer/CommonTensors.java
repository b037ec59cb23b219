package org.kithlm.model.transformer;

import java.util.Map;
import org.kithlm.model.config.ModelTensors;

/** The vectors that every rank holds whole, by their GGUF names. Immutable. */
final class CommonTensors {
  static final float[] NONE = {};

  private final Map<String, float[]> vectors;

  CommonTensors(Map<String, float[]> vectors) {
    this.vectors = Map.copyOf(vectors);
  }

  /**
   * A vector of a layer.
   *
   * @throws IllegalArgumentException if it is missing or of another length
   */
  float[] ofLayer(int layer, String suffix, int length) {
    return require(ModelTensors.layerTensor(layer, suffix), length);
  }

  /** A vector, or nothing where the model has none. */
  float[] optional(String name) {
    return vectors.getOrDefault(name, NONE);
  }

  /**
   * A vector.
   *
   * @throws IllegalArgumentException if it is missing or of another length
   */
  float[] require(String name, int length) {
    float[] vector = optional(name);
    if (vector.length != length) {
      throw new IllegalArgumentException(
          "tensor " + name + " has " + vector.length + " elements, expected " + length);
    }
    return vector;
  }
}
