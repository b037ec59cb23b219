package org.kithlm.model.gguf;

import java.util.List;

/**
 * Where a tensor lies in a GGUF file.
 *
 * @param name as in the file
 * @param dimensions elements along each axis, fastest first: {@code [columns, rows, ...]}, each at
 *     least 1
 * @param type element type
 * @param offsetBytes start of the data in the file
 * @param lengthBytes length of the data
 */
public record GgufTensor(
    String name, List<Long> dimensions, GgmlType type, long offsetBytes, long lengthBytes) {

  /** Copies the dimensions. */
  public GgufTensor {
    dimensions = List.copyOf(dimensions);
  }

  /** Elements of one row. */
  public long columns() {
    return dimensions.getFirst();
  }

  /** Number of rows, 1 for a vector. */
  public long rows() {
    long rows = 1;
    for (long dimension : dimensions.subList(1, dimensions.size())) {
      rows *= dimension;
    }
    return rows;
  }
}
