package org.kithlm.memory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;

/** A file of random bytes, and extents of it with right checksums. */
record TileFile(Path path, byte[] bytes) {

  static TileFile create(Path folder, Random random, int lengthBytes) throws IOException {
    byte[] bytes = new byte[lengthBytes];
    random.nextBytes(bytes);
    Path path = folder.resolve("tiles.bin");
    Files.write(path, bytes);
    return new TileFile(path, bytes);
  }

  /** An extent cut into pieces of at most {@code pieceBytesMax}. */
  TileExtent extent(int offsetBytes, int lengthBytes, int pieceBytesMax) {
    List<TileExtent.Piece> pieces = new ArrayList<>();
    for (int done = 0; done < lengthBytes; done += pieceBytesMax) {
      int pieceBytes = Math.min(pieceBytesMax, lengthBytes - done);
      CRC32C crc = new CRC32C();
      crc.update(bytes, offsetBytes + done, pieceBytes);
      pieces.add(new TileExtent.Piece(pieceBytes, (int) crc.getValue()));
    }
    return new TileExtent(offsetBytes, lengthBytes, pieces);
  }

  byte[] bytesOf(TileExtent extent) {
    return Arrays.copyOfRange(bytes, (int) extent.offsetBytes(), (int) extent.endBytes());
  }
}
