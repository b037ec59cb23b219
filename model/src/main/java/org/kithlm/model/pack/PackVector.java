package org.kithlm.model.pack;

import org.kithlm.model.gguf.GgmlType;

/**
 * A vector in the section that every rank loads whole.
 *
 * @param name as in the GGUF file
 * @param type F32, F16 or BF16
 * @param length elements
 * @param offsetBytes where it starts, counted from the start of the section
 */
record PackVector(String name, GgmlType type, int length, long offsetBytes) {
  PackVector {
    if (length < 1 || type.blockLength() != 1 || offsetBytes < 0) {
      throw new IllegalArgumentException("vector " + name + " has an impossible length or type");
    }
  }
}
