package org.kithlm.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class TileStoreTest {
  private static final ResidencySettings ALL = ResidencySettings.everything();
  private static final LoadProgress SILENT = (loadedBytes, totalBytes) -> {};

  /** A stand-in for a file system that refuses direct reads. */
  private enum Refused implements OpenOption {
    OPTION
  }

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void shouldLoadRandomExtents(boolean direct) throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 10; round++) {
      TileFile file = TileFile.create(folder, random, 1 + random.nextInt(12 << 20));
      List<TileExtent> extents = new ArrayList<>();
      for (int i = random.nextInt(40); i > 0; i--) {
        int offset = random.nextInt(file.bytes().length);
        int lengthMax = Math.min(file.bytes().length - offset, random.nextInt(6 << 20) + 1);
        extents.add(file.extent(offset, 1 + random.nextInt(lengthMax), 1 + random.nextInt(70_000)));
      }
      try (ExtentReader reader =
              direct
                  ? FileExtentReader.open(file.path())
                  : FileExtentReader.open(file.path(), Refused.OPTION);
          TileStore store = TileStore.load(file.path(), reader, extents, ALL, SILENT)) {
        for (int cycle = 0; cycle < 2; cycle++) {
          assertHolds(file, extents, store, "seed=" + seed + " round=" + round);
        }
      }
    }
  }

  private static void assertHolds(
      TileFile file, List<TileExtent> extents, TileStore store, String message) {
    for (int tile = 0; tile < extents.size(); tile++) {
      byte[] actual = store.acquire(tile).toArray(ValueLayout.JAVA_BYTE);
      store.release(tile);
      assertArrayEquals(file.bytesOf(extents.get(tile)), actual, message + " tile=" + tile);
    }
  }

  @Test
  void shouldLoadUpToTheLastByteOfAFileThatIsNotWholeBlocks() throws Exception {
    TileFile file = TileFile.create(folder, new Random(1), (5 << 20) + 4097);
    List<TileExtent> extents =
        List.of(file.extent(4095, (5 << 20) - 4094, 1 << 20), file.extent((5 << 20) + 1, 4096, 99));
    try (TileStore store = TileStore.load(file.path(), extents, ALL, SILENT)) {
      assertHolds(file, extents, store, "tail");
    }
  }

  @Test
  void shouldBeEmptyForARankWithoutTiles() throws Exception {
    TileFile file = TileFile.create(folder, new Random(2), 1);
    try (TileStore store = TileStore.load(file.path(), List.of(), ALL, SILENT)) {
      store.rewind();
      assertEquals(0, store.residentBytes());
      assertThrows(IllegalStateException.class, () -> store.acquire(0));
    }
  }

  @Test
  void shouldGoBackWhereAllTilesStay() throws Exception {
    TileFile file = TileFile.create(folder, new Random(7), 60);
    List<TileExtent> extents =
        List.of(file.extent(0, 20, 20), file.extent(20, 20, 20), file.extent(40, 20, 20));
    try (TileStore store = TileStore.load(file.path(), extents, ALL, SILENT)) {
      assertTrue(store.isResident());
      assertHolds(file, extents, store, "first");
      store.back(1);
      store.acquire(1);
      assertMessage(
          "1 tiles are held", assertThrows(IllegalStateException.class, () -> store.back(1)));
      store.release(1);
      store.back(1);
      store.acquire(1);
      store.acquire(2);
      store.release(1);
      store.release(2);
      store.acquire(0); // the next cycle
      store.release(0);
      assertThrows(IllegalArgumentException.class, () -> store.back(3));
    }
  }

  @Test
  void shouldReportProgressUpToTheTotal() throws Exception {
    TileFile file = TileFile.create(folder, new Random(3), 9 << 20);
    List<TileExtent> extents =
        List.of(file.extent(0, 3 << 20, 1 << 20), file.extent(3 << 20, 6 << 20, 1 << 20));
    List<Long> loaded = new ArrayList<>();
    LoadProgress progress =
        (loadedBytes, totalBytes) -> {
          assertEquals(9 << 20, totalBytes);
          loaded.add(loadedBytes);
        };
    try (TileStore store = TileStore.load(file.path(), extents, ALL, progress)) {
      assertEquals(2, loaded.size());
      assertTrue(loaded.getFirst() < loaded.getLast(), loaded.toString());
      assertEquals(9 << 20, loaded.getLast());
      assertEquals(9 << 20, store.residentBytes());
      assertEquals(0, store.streamedBytes());
      assertEquals(0, store.waitNs());
    }
  }

  @Test
  void shouldNameTheTileWithAFlippedByte() throws Exception {
    TileFile file = TileFile.create(folder, new Random(4), 3 << 20);
    List<TileExtent> extents =
        List.of(
            file.extent(2 << 20, 1 << 20, 4096),
            file.extent(0, 1 << 20, 4096),
            file.extent(1 << 20, 1 << 20, 4096));
    flip(file, (1 << 20) + 5000);

    TileReadException failure =
        assertThrows(
            TileReadException.class, () -> TileStore.load(file.path(), extents, ALL, SILENT));

    assertEquals(2, failure.tile());
    String message = String.valueOf(failure.getMessage());
    assertTrue(message.contains("tile 2 of " + file.path() + " at offset 1052672"), message);
    assertTrue(
        message.matches(".* has CRC32C \\p{XDigit}{8}, expected \\p{XDigit}{8}; .*"), message);
  }

  private static void flip(TileFile file, int position) throws IOException {
    try (RandomAccessFile access = new RandomAccessFile(file.path().toFile(), "rw")) {
      access.seek(position);
      access.write(file.bytes()[position] ^ 0x10);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 4095, 1 << 20, (1 << 20) + 1, (2 << 20) - 1})
  void shouldNameTheFirstTileThatATruncatedFileLacks(int lengthBytes) throws Exception {
    TileFile file = TileFile.create(folder, new Random(5), 2 << 20);
    List<TileExtent> extents =
        List.of(file.extent(0, 1 << 20, 1 << 20), file.extent(1 << 20, 1 << 20, 1 << 20));
    try (RandomAccessFile access = new RandomAccessFile(file.path().toFile(), "rw")) {
      access.setLength(lengthBytes);
    }

    TileReadException failure =
        assertThrows(
            TileReadException.class, () -> TileStore.load(file.path(), extents, ALL, SILENT));

    assertEquals(lengthBytes < 1 << 20 ? 0 : 1, failure.tile());
    String message = String.valueOf(failure.getMessage());
    assertTrue(message.contains("is cut short: expected the bytes up to 2097152"), message);
    assertTrue(message.endsWith("up to " + lengthBytes), message);
  }

  @Test
  void shouldRefuseAMissingFile() {
    assertThrows(
        NoSuchFileException.class,
        () -> TileStore.load(folder.resolve("missing"), List.of(), ALL, SILENT));
  }

  @ParameterizedTest
  @EnumSource(FaultyReader.Fault.class)
  void shouldRetryAFailureOnce(FaultyReader.Fault fault) throws Exception {
    TileFile file = TileFile.create(folder, new Random(6), 8 << 20);
    List<TileExtent> extents = List.of(file.extent(100, 8_000_000, 1 << 20));
    try (ExtentReader reader =
            new FaultyReader(FileExtentReader.open(file.path()), fault, 5_000_001, 1);
        TileStore store = TileStore.load(file.path(), reader, extents, ALL, SILENT)) {
      assertHolds(file, extents, store, fault.toString());
    }
  }

  @ParameterizedTest
  @EnumSource(FaultyReader.Fault.class)
  void shouldNameTheTileOfAFailureThatStays(FaultyReader.Fault fault) throws Exception {
    TileFile file = TileFile.create(folder, new Random(7), 8 << 20);
    List<TileExtent> extents =
        List.of(
            file.extent(0, 1 << 20, 4096),
            file.extent(1 << 20, 7 << 20, 4096)); // longer than one read
    try (ExtentReader reader =
        new FaultyReader(FileExtentReader.open(file.path()), fault, 7_000_001, 100)) {
      TileReadException failure =
          assertThrows(
              TileReadException.class,
              () -> TileStore.load(file.path(), reader, extents, ALL, SILENT));
      assertEquals(1, failure.tile());
    }
  }

  @Test
  void shouldFreeTheMemoryOnClose() throws Exception {
    TileFile file = TileFile.create(folder, new Random(9), 100);
    TileStore store = TileStore.load(file.path(), List.of(file.extent(10, 20, 20)), ALL, SILENT);
    MemorySegment tile = store.acquire(0);
    store.close();
    store.close();
    assertFalse(tile.scope().isAlive());
    assertMessage("is closed", assertThrows(IllegalStateException.class, () -> store.release(0)));
  }

  @Test
  void shouldFreeTheMemoryWhenLoadingFails() throws Exception {
    TileFile file = TileFile.create(folder, new Random(10), 100);
    List<MemorySegment> seen = new CopyOnWriteArrayList<>();
    ExtentReader reader =
        new ExtentReader() {
          @Override
          public int alignmentBytes() {
            return 4096;
          }

          @Override
          public int read(ByteBuffer target, long positionBytes) throws IOException {
            seen.add(MemorySegment.ofBuffer(target));
            throw new IOException("Input/output error");
          }

          @Override
          public void close() {}
        };
    assertThrows(
        TileReadException.class,
        () -> TileStore.load(file.path(), reader, List.of(file.extent(10, 20, 20)), ALL, SILENT));
    assertEquals(2, seen.size());
    assertFalse(seen.getFirst().scope().isAlive());
  }

  @Test
  void shouldRefuseTilesOutOfTurn() throws Exception {
    TileFile file = TileFile.create(folder, new Random(11), 100);
    List<TileExtent> extents = List.of(file.extent(0, 20, 20), file.extent(20, 20, 20));
    try (TileStore store = TileStore.load(file.path(), extents, ALL, SILENT)) {
      store.acquire(0);
      assertMessage(
          "acquired out of turn, expected tile 1",
          assertThrows(IllegalStateException.class, () -> store.acquire(0)));
      assertMessage("1 tiles are held", assertThrows(IllegalStateException.class, store::rewind));
      store.release(0);
      assertMessage(
          "tile 0 of " + file.path() + " released but not held",
          assertThrows(IllegalStateException.class, () -> store.release(0)));
      store.rewind();
      store.acquire(0);
      store.acquire(1);
      assertMessage(
          "already held", assertThrows(IllegalStateException.class, () -> store.acquire(0)));
    }
  }

  @Test
  void shouldRefuseAnotherThread() throws Exception {
    TileFile file = TileFile.create(folder, new Random(12), 100);
    try (TileStore store =
        TileStore.load(file.path(), List.of(file.extent(0, 20, 20)), ALL, SILENT)) {
      store.acquire(0);
      ExecutionException failure =
          assertThrows(
              ExecutionException.class,
              () -> CompletableFuture.runAsync(() -> store.release(0)).get(10, TimeUnit.SECONDS));
      assertMessage("belongs to thread", failure); // it quotes its cause
    }
  }

  @Test
  void shouldRefusePiecesThatDoNotAddUp() {
    IllegalArgumentException failure =
        assertThrows(
            IllegalArgumentException.class,
            () -> new TileExtent(7, 10, List.of(new TileExtent.Piece(9, 0))));
    assertMessage("offsetBytes=7 lengthBytes=10 with pieces of 9 bytes", failure);
  }

  private static void assertMessage(String expected, Throwable failure) {
    String message = String.valueOf(failure.getMessage());
    assertTrue(message.contains(expected), message);
  }
}
