package org.kithlm.model.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Writes small GGUF v3 files for tests; it checks nothing, so that bad files can be made too. */
public final class GgufWriter {
  private final GgufHeader header = new GgufHeader();
  private final List<byte[]> tensors = new ArrayList<>();

  /** Adds a pair, of a kind that {@link GgufHeader#put} knows. */
  public GgufWriter put(String key, Object value) {
    header.put(key, value);
    return this;
  }

  /** Removes a pair. */
  public GgufWriter remove(String key) {
    header.remove(key);
    return this;
  }

  /**
   * Adds a tensor.
   *
   * @param data block bytes, row by row
   * @param dimensions columns first
   */
  public GgufWriter tensor(String name, GgmlType type, byte[] data, long... dimensions) {
    header.tensor(name, type, data.length, dimensions);
    tensors.add(data);
    return this;
  }

  /** Writes the file. */
  public Path write(Path path) throws IOException {
    return Files.write(path, bytes());
  }

  /** The whole file. */
  public byte[] bytes() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(header.bytes());
    for (byte[] data : tensors) {
      out.writeBytes(data);
      out.writeBytes(new byte[(int) GgufHeader.aligned(data.length) - data.length]);
    }
    return out.toByteArray();
  }
}
