package org.kithlm.model.gguf;

import java.io.IOException;
import java.nio.channels.FileChannel;

/**
 * A run of GGUF key-value pairs in some file, as it stands in a GGUF file after the header.
 *
 * @param offsetBytes where it starts
 * @param lengthBytes its length
 * @param pairCount number of pairs
 */
public record GgufSection(long offsetBytes, long lengthBytes, int pairCount) {

  /**
   * Parses the pairs.
   *
   * @param channel the file, read at explicit positions only
   * @param fileName for messages
   * @throws GgufException if the section is damaged
   * @throws IOException if it cannot be read
   */
  public GgufMetadata read(FileChannel channel, String fileName) throws IOException {
    long endBytes = offsetBytes + lengthBytes;
    GgufInput input =
        new GgufInput(channel, fileName, offsetBytes, endBytes, "the metadata ends at " + endBytes);
    return new GgufMetadataReader(input).read(pairCount);
  }
}
