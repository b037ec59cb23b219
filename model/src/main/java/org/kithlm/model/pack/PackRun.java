package org.kithlm.model.pack;

/**
 * A run of bytes of a pack file.
 *
 * @param offsetBytes where it starts
 * @param lengthBytes its length
 */
public record PackRun(long offsetBytes, long lengthBytes) {
  /** Where it ends. */
  public long endBytes() {
    return offsetBytes + lengthBytes;
  }
}
