package org.kithlm.memory;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Neighbouring tiles that are read together: the aligned superset of their bytes. Kept in memory as
 * it is read, so that direct reads need no copy; that costs less than two blocks for about 4 MiB.
 *
 * @param startBytes aligned offset of its first byte in the file
 * @param spanBytes aligned length in memory; may reach past the end of the file
 * @param neededBytes length up to the end of its last tile
 * @param tiles indices of its tiles
 */
record ReadRun(long startBytes, long spanBytes, long neededBytes, List<Integer> tiles) {
  /** Longest run of several tiles: the size at which direct reads reach the disk's rate. */
  static final int RUN_BYTES_MAX = 4 << 20;

  ReadRun {
    tiles = List.copyOf(tiles);
  }

  /** One tile by itself. */
  static ReadRun ofTile(List<TileExtent> extents, int tile, int alignmentBytes) {
    TileExtent extent = extents.get(tile);
    long start = alignDown(extent.offsetBytes(), alignmentBytes);
    return of(start, extent.endBytes(), alignmentBytes, List.of(tile));
  }

  /** Groups some of the tiles, those whose aligned bytes touch or overlap, in file order. */
  static List<ReadRun> plan(List<TileExtent> extents, List<Integer> chosen, int alignmentBytes) {
    List<Integer> byOffset =
        chosen.stream()
            .sorted(Comparator.comparingLong(tile -> extents.get(tile).offsetBytes()))
            .toList();
    List<ReadRun> runs = new ArrayList<>();
    List<Integer> tiles = new ArrayList<>();
    long start = 0;
    long end = 0;
    for (int tile : byOffset) {
      TileExtent extent = extents.get(tile);
      long alignedStart = alignDown(extent.offsetBytes(), alignmentBytes);
      boolean apart = alignedStart > alignUp(end, alignmentBytes);
      boolean tooLong = extent.endBytes() - start > RUN_BYTES_MAX;
      if (!tiles.isEmpty() && (apart || tooLong)) {
        runs.add(of(start, end, alignmentBytes, tiles));
        tiles.clear();
      }
      if (tiles.isEmpty()) {
        start = alignedStart;
        end = extent.endBytes();
      }
      tiles.add(tile);
      end = Math.max(end, extent.endBytes());
    }
    if (!tiles.isEmpty()) {
      runs.add(of(start, end, alignmentBytes, tiles));
    }
    return runs;
  }

  /** The bytes of one of its tiles within memory that holds the run. */
  MemorySegment tileIn(MemorySegment memory, TileExtent extent) {
    return memory.asSlice(extent.offsetBytes() - startBytes, extent.lengthBytes()).asReadOnly();
  }

  private static ReadRun of(long start, long end, int alignmentBytes, List<Integer> tiles) {
    return new ReadRun(start, alignUp(end - start, alignmentBytes), end - start, tiles);
  }

  private static long alignDown(long bytes, int alignmentBytes) {
    return bytes / alignmentBytes * alignmentBytes;
  }

  private static long alignUp(long bytes, int alignmentBytes) {
    return Math.ceilDiv(bytes, alignmentBytes) * alignmentBytes;
  }
}
