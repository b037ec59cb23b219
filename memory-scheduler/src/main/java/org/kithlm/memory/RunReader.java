package org.kithlm.memory;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads runs and checks their tiles; a failure is tried once more. Thread-safe. */
final class RunReader {
  private static final Logger LOG = LoggerFactory.getLogger(RunReader.class);

  private final Path file;
  private final ExtentReader reader;
  private final List<TileExtent> extents;
  private final LongAdder readBytes = new LongAdder();

  RunReader(Path file, ExtentReader reader, List<TileExtent> extents) {
    this.file = file;
    this.reader = reader;
    this.extents = extents;
  }

  int alignmentBytes() {
    return reader.alignmentBytes();
  }

  /** Bytes that have come from the file so far. */
  long readBytes() {
    return readBytes.sum();
  }

  /**
   * Fills {@code target}, which is {@link ReadRun#spanBytes()} long.
   *
   * @throws TileReadException if a tile of it could not be read, or was wrong, twice
   */
  void read(ReadRun run, MemorySegment target) {
    try {
      readOnce(run, target);
      check(run, target);
    } catch (TileReadException first) {
      readOnce(run, target);
      check(run, target);
      LOG.warn("{}; a second read was right", first.getMessage());
    }
  }

  private void readOnce(ReadRun run, MemorySegment target) {
    long filledBytes = 0;
    while (filledBytes < run.neededBytes()) {
      long wantedBytes = Math.min(ReadRun.RUN_BYTES_MAX, run.spanBytes() - filledBytes);
      int count;
      try {
        count =
            reader.read(
                target.asSlice(filledBytes, wantedBytes).asByteBuffer(),
                run.startBytes() + filledBytes);
      } catch (IOException e) {
        throw failure(run, filledBytes, "cannot be read: " + e.getMessage(), e);
      }
      filledBytes += Math.max(0, count);
      readBytes.add(Math.max(0, count));
      // A direct read can only go on from an aligned position; elsewhere is the end of the file.
      boolean ended = count <= 0 || filledBytes % reader.alignmentBytes() != 0;
      if (ended && filledBytes < run.neededBytes()) {
        throw failure(
            run,
            filledBytes,
            "is cut short: expected the bytes up to "
                + (run.startBytes() + run.neededBytes())
                + ", the file gave them up to "
                + (run.startBytes() + filledBytes),
            null);
      }
    }
  }

  private void check(ReadRun run, MemorySegment target) {
    CRC32C crc = new CRC32C();
    for (int tile : run.tiles()) {
      long offsetBytes = extents.get(tile).offsetBytes();
      for (TileExtent.Piece piece : extents.get(tile).pieces()) {
        crc.reset();
        crc.update(
            target
                .asSlice(offsetBytes - run.startBytes(), (long) piece.lengthBytes())
                .asByteBuffer());
        int actual = (int) crc.getValue();
        if (actual != piece.crc32c()) {
          throw failure(
              tile,
              offsetBytes,
              String.format(
                  "has CRC32C %08x, expected %08x; the file is damaged, remove it and get it again",
                  actual, piece.crc32c()),
              null);
        }
        offsetBytes += piece.lengthBytes();
      }
    }
  }

  /** Blames the first tile that is not wholly in the bytes filled so far. */
  private TileReadException failure(
      ReadRun run, long filledBytes, String what, @Nullable Throwable cause) {
    long positionBytes = run.startBytes() + filledBytes;
    int tile =
        run.tiles().stream()
            .filter(candidate -> extents.get(candidate).endBytes() > positionBytes)
            .findFirst()
            .orElseThrow();
    return failure(tile, what, cause);
  }

  /** Names the file, the tile and the offset before {@code what}. */
  TileReadException failure(int tile, String what, @Nullable Throwable cause) {
    return failure(tile, extents.get(tile).offsetBytes(), what, cause);
  }

  private TileReadException failure(
      int tile, long offsetBytes, String what, @Nullable Throwable cause) {
    return new TileReadException(
        tile, "tile " + tile + " of " + file + " at offset " + offsetBytes + " " + what, cause);
  }
}
