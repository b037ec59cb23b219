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
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A store that streams. Its readers are watched by what they have read. */
@Timeout(120)
class TileStoreStreamTest {
  private static final LoadProgress SILENT = (loadedBytes, totalBytes) -> {};
  private static final int TILE = 64 << 10;
  private static final int TILES = 40;

  /** The ring holds 8 tiles, tiles 19 and 39 stay. */
  private static final long BUDGET = 10 * TILE;

  private static final int RING_TILES = 8;
  private static final long TIMEOUT_NS = TimeUnit.SECONDS.toNanos(60);

  @TempDir Path folder;
  private TileFile file;
  private List<TileExtent> extents;

  @BeforeEach
  void createFile() throws IOException {
    file = TileFile.create(folder, new Random(20), TILES * TILE);
    extents =
        IntStream.range(0, TILES).mapToObj(i -> file.extent(i * TILE, TILE, 1 << 14)).toList();
  }

  @Test
  void shouldReadStreamedTilesOncePerCycle() throws Exception {
    try (TileStore store = load(BUDGET)) {
      assertEquals(BUDGET, store.residentBytes());
      for (int cycle = 1; cycle <= 3; cycle++) {
        walk(store, 0, TILES);
        awaitStreamed(store, (long) cycle * (TILES - 2) + RING_TILES);
      }
    }
  }

  @Test
  void shouldRunNoReaderThreadWhenEverythingStays() throws Exception {
    long before = readerThreads();
    try (TileStore store = load((long) TILES * TILE)) {
      walk(store, 0, TILES);
      walk(store, 0, TILES);
      assertEquals(before, readerThreads());
      assertEquals(0, store.streamedBytes());
      assertEquals(0, store.waitNs());
    }
  }

  @Test
  void shouldEndItsReaderThreadsOnClose() throws Exception {
    long before = readerThreads();
    try (TileStore store = load(BUDGET)) {
      walk(store, 0, 5);
      assertEquals(before + TileRing.READERS, readerThreads());
    }
    assertEquals(before, readerThreads());
  }

  @Test
  void shouldFillTheRingBeforeTheFirstRequest() throws Exception {
    try (TileStore store = load(BUDGET)) {
      awaitStreamed(store, RING_TILES);
      walk(store, 0, RING_TILES);
      assertEquals(0, store.waitNs());
    }
  }

  @Test
  void shouldReadNothingAgainOnRewindAtTheEndOfTheCycle() throws Exception {
    try (TileStore store = load(BUDGET)) {
      walk(store, 0, TILES);
      store.rewind();
      walk(store, 0, TILES);
      awaitStreamed(store, 2 * (TILES - 2) + RING_TILES);
    }
  }

  @Test
  void shouldOnlyReadWhatWasAheadAgainOnRewindBeforeTheEnd() throws Exception {
    try (TileStore store = load(BUDGET)) {
      awaitStreamed(store, RING_TILES);
      walk(store, 0, TILES - 2); // ahead are one tile of this cycle and 7 of the next
      awaitStreamed(store, TILES - 3 + RING_TILES);
      store.rewind();
      awaitStreamed(store, TILES - 2 + RING_TILES); // room for one more
      walk(store, 0, TILES);
    }
  }

  @Test
  void shouldStartOverFromTheMiddleOfACycle() throws Exception {
    Random random = new Random(21);
    try (TileStore store = load(BUDGET)) {
      for (int round = 0; round < 50; round++) {
        walk(store, 0, random.nextInt(TILES));
        store.rewind();
      }
      walk(store, 0, TILES);
    }
  }

  @Test
  void shouldLendSeveralTilesAtOnce() throws Exception {
    try (TileStore store = load(BUDGET)) {
      List<MemorySegment> held = new ArrayList<>();
      for (int tile = 0; tile < 4; tile++) {
        held.add(store.acquire(tile));
      }
      for (int tile = 3; tile >= 0; tile--) {
        assertBytes(tile, held.get(tile));
        store.release(tile);
      }
      walk(store, 4, TILES);
    }
  }

  @Test
  void shouldGoOnWithTheOldFileWhenAnotherTakesItsName() throws Exception {
    try (TileStore store = load(BUDGET)) {
      walk(store, 0, 3);
      Path other = folder.resolve("other");
      Files.write(other, new byte[10]);
      Files.move(other, file.path(), StandardCopyOption.REPLACE_EXISTING);
      walk(store, 3, TILES);
      walk(store, 0, TILES);
    }
  }

  @Test
  @Tag("fault")
  void shouldNameATileThatTheFileHasLost() throws Exception {
    try (TileStore store = load(BUDGET);
        RandomAccessFile access = new RandomAccessFile(file.path().toFile(), "rw")) {
      access.setLength(25L * TILE);
      TileReadException failure =
          assertThrows(TileReadException.class, () -> walk(store, 0, TILES));
      assertMessage(
          "tile "
              + failure.tile()
              + " of "
              + file.path()
              + " at offset "
              + failure.tile() * TILE
              + " is cut short",
          failure);
      assertTrue(failure.tile() == 25 || failure.tile() == 26, failure.toString());

      access.setLength(0);
      access.write(file.bytes());
      store.rewind();
      walk(store, 0, TILES);
    }
  }

  @Test
  @Tag("fault")
  void shouldNameATileThatWasOverwritten() throws Exception {
    try (TileStore store = load(BUDGET);
        RandomAccessFile access = new RandomAccessFile(file.path().toFile(), "rw")) {
      walk(store, 0, 5);
      access.seek(30L * TILE);
      access.write(~file.bytes()[30 * TILE]);
      TileReadException failure =
          assertThrows(TileReadException.class, () -> walk(store, 5, TILES));
      assertEquals(30, failure.tile());
      assertMessage("tile 30 of " + file.path() + " at offset " + 30 * TILE, failure);
      assertMessage(" has CRC32C ", failure);
    }
  }

  @ParameterizedTest
  @EnumSource(FaultyReader.Fault.class)
  @Tag("fault")
  void shouldRetryOnceThenFailUntilRewound(FaultyReader.Fault fault) throws Exception {
    for (int times = 1; times <= 3; times++) {
      ExtentReader disk = FileExtentReader.open(file.path());
      FaultyReader faulty = new FaultyReader(disk, fault, 30 * TILE + 77, times);
      try (TileStore store = load(faulty, BUDGET, TIMEOUT_NS)) {
        if (times > 1) {
          TileReadException failure =
              assertThrows(TileReadException.class, () -> walk(store, 0, TILES));
          assertEquals(30, failure.tile());
          assertEquals(failure, assertThrows(TileReadException.class, () -> store.acquire(30)));
          store.rewind();
        }
        walk(store, 0, TILES); // the third fault is retried
      }
    }
  }

  @Test
  @Tag("fault")
  void shouldFailWhenTheDiskIsSlowerThanTheDeadline() throws Exception {
    GatedReader gate = new GatedReader(FileExtentReader.open(file.path()), 2 + 3);
    try (TileStore store = load(gate, BUDGET, TimeUnit.MILLISECONDS.toNanos(50))) {
      TileReadException failure =
          assertThrows(TileReadException.class, () -> walk(store, 0, TILES));
      assertEquals(3, failure.tile());
      assertMessage("is not in memory after 50 ms: the disk is too slow or hangs", failure);
      assertTrue(store.waitNs() >= TimeUnit.MILLISECONDS.toNanos(50));

      store.rewind(); // all readers have one in flight
      gate.open(1_000_000);
      awaitStreamed(store, 3 + TileRing.READERS + RING_TILES);
      walk(store, 0, RING_TILES);
    }
  }

  @Test
  @Tag("fault")
  void shouldCloseThoughAReadHangs() throws Exception {
    GatedReader gate = new GatedReader(FileExtentReader.open(file.path()), 2);
    long before = readerThreads();
    TileStore store = load(gate, BUDGET, TimeUnit.MILLISECONDS.toNanos(50));
    await(() -> gate.waiting() == TileRing.READERS);
    store.close();
    assertMessage("is closed", assertThrows(IllegalStateException.class, () -> store.acquire(0)));
    gate.open(1_000_000);
    await(() -> readerThreads() == before);
  }

  @Test
  @Tag("fault")
  void shouldStopWaitingWhenInterrupted() throws Exception {
    GatedReader gate = new GatedReader(FileExtentReader.open(file.path()), 2);
    try (TileStore store = load(gate, BUDGET, TIMEOUT_NS)) {
      Thread.currentThread().interrupt();
      TileReadException failure = assertThrows(TileReadException.class, () -> store.acquire(0));
      assertTrue(Thread.interrupted());
      assertMessage("its thread was interrupted", failure);
      gate.open(1_000_000);
      walk(store, 0, TILES);
    }
  }

  /**
   * Random tiles, budgets, pauses, rewinds and faults: right bytes or a named fault, never both.
   */
  @Test
  @Tag("fault")
  void shouldLendTheBytesOfTheFileWhateverHappens() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 60; round++) {
      String message = "seed=" + seed + " round=" + round;
      TileFile randomFile = TileFile.create(folder, random, 2_000_000 + random.nextInt(2_000_000));
      List<TileExtent> tiles = randomTiles(randomFile, random);
      int faultyTile = random.nextInt(tiles.size());
      int times = random.nextInt(4);
      FaultyReader.Fault[] faults = FaultyReader.Fault.values();
      ExtentReader reader =
          new FaultyReader(
              FileExtentReader.open(randomFile.path()),
              faults[random.nextInt(faults.length)],
              tiles.get(faultyTile).offsetBytes(),
              times);
      long smallest = 8L * (60_000 + 2 * 4096);
      ResidencySettings settings =
          new ResidencySettings(
              smallest + random.nextInt(2_000_000), 1 + random.nextInt(1 << 20), TIMEOUT_NS);
      int failures = 0;
      int tile = 0;
      try (TileStore store = TileStore.load(randomFile.path(), reader, tiles, settings, SILENT)) {
        for (int step = 0; step < 400; step++) {
          if (random.nextInt(100) == 0) {
            store.rewind();
            tile = 0;
          }
          try {
            byte[] actual = store.acquire(tile).toArray(ValueLayout.JAVA_BYTE);
            assertArrayEquals(randomFile.bytesOf(tiles.get(tile)), actual, message);
            if (random.nextInt(4) == 0) {
              LockSupport.parkNanos(random.nextInt(200_000)); // the consumer computes
            }
            store.release(tile);
            tile = (tile + 1) % tiles.size();
          } catch (TileReadException e) {
            failures++;
            store.rewind();
            tile = 0;
          }
        }
      } catch (TileReadException e) {
        failures++; // while pinned tiles were loaded
      }
      assertTrue(failures <= times, message + " failures=" + failures + " times=" + times);
    }
  }

  private static List<TileExtent> randomTiles(TileFile randomFile, Random random) {
    List<TileExtent> tiles = new ArrayList<>();
    int offset = random.nextInt(5000);
    while (true) {
      int length = 1 + random.nextInt(60_000);
      if (offset + length > randomFile.bytes().length) {
        return tiles;
      }
      tiles.add(randomFile.extent(offset, length, 1 + random.nextInt(60_000)));
      offset += length + (random.nextBoolean() ? 0 : random.nextInt(9000));
    }
  }

  private TileStore load(long budgetBytes) throws IOException, InterruptedException {
    return load(FileExtentReader.open(file.path()), budgetBytes, TIMEOUT_NS);
  }

  private TileStore load(ExtentReader reader, long budgetBytes, long timeoutNs)
      throws InterruptedException {
    return TileStore.load(
        file.path(),
        reader,
        extents,
        new ResidencySettings(budgetBytes, ResidencySettings.RING_BYTES_DEFAULT, timeoutNs),
        SILENT);
  }

  private void walk(TileStore store, int firstTile, int endTile) {
    for (int tile = firstTile; tile < endTile; tile++) {
      assertBytes(tile, store.acquire(tile));
      store.release(tile);
    }
  }

  private void assertBytes(int tile, MemorySegment bytes) {
    assertArrayEquals(
        file.bytesOf(extents.get(tile)), bytes.toArray(ValueLayout.JAVA_BYTE), "tile " + tile);
  }

  /** Waits until so many tiles have been read, and expects that no more are. */
  private static void awaitStreamed(TileStore store, long tiles) {
    await(() -> store.streamedBytes() >= tiles * TILE);
    assertEquals(tiles * TILE, store.streamedBytes());
  }

  private static long readerThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("tile-reader-"))
        .count();
  }

  private static void await(BooleanSupplier condition) {
    long deadlineNs = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!condition.getAsBoolean()) {
      assertFalse(System.nanoTime() > deadlineNs, "not in time");
      LockSupport.parkNanos(1_000_000);
    }
  }

  private static void assertMessage(String expected, Throwable failure) {
    String message = String.valueOf(failure.getMessage());
    assertTrue(message.contains(expected), message);
  }
}
