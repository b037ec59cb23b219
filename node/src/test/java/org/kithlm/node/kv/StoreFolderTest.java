package org.kithlm.node.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** On real maps. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class StoreFolderTest {
  private static final long PAGE_BYTES = 100_000; // two pieces
  private static final long BYTES = 4 << 20;
  private static final int PAGES_MAX = StoreFolder.capacity(BYTES) / 2;

  @TempDir Path folder;

  private StoreFolder lock() throws IOException {
    return StoreFolder.lock(folder, BYTES, StoreFolder.CHRONICLE);
  }

  /** Puts pages, the last of them used last, and ends in order. */
  private void fill(int from, int end) throws IOException {
    try (StoreFolder store = lock()) {
      PageTable table = store.open();
      put(table, from, end);
    }
  }

  private static void put(PageTable table, int from, int end) {
    for (int number = from; number < end; number++) {
      try (Arena arena = Arena.ofConfined()) {
        assertTrue(
            table.put(Pages.key(number), Pages.content(arena, number, PAGE_BYTES)),
            "page " + number);
      }
    }
  }

  private static int countRead(PageTable table, int from, int end) {
    int count = 0;
    try (Arena arena = Arena.ofConfined()) {
      var out = arena.allocate(PAGE_BYTES);
      for (int number = from; number < end; number++) {
        if (table.get(Pages.key(number), out)) {
          assertTrue(Pages.is(number, out));
          count++;
        }
      }
    }
    return count;
  }

  private Path map() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".map")).findFirst().orElseThrow();
    }
  }

  private void shouldBeginAnew() throws IOException {
    try (StoreFolder store = lock()) {
      PageTable table = store.open();
      assertEquals(0, countRead(table, 0, 10));
      put(table, 0, 10);
      assertEquals(10, countRead(table, 0, 10));
    }
    assertTrue(Files.exists(folder.resolve("aside")));
    try (StoreFolder store = lock()) {
      assertEquals(10, countRead(store.open(), 0, 10));
    }
  }

  @Test
  void shouldHoldItsPagesAndTheirOrderOverARestart() throws Exception {
    fill(0, PAGES_MAX);
    try (StoreFolder store = lock()) {
      PageTable table = store.open();
      assertEquals(PAGES_MAX, table.oldestFirst().size());
      assertEquals(Pages.key(0), table.oldestFirst().getFirst().page());
      put(table, 1000, 1003);
      assertEquals(0, countRead(table, 0, 3));
      assertEquals(PAGES_MAX - 3, countRead(table, 3, PAGES_MAX));
      assertEquals(3, countRead(table, 1000, 1003));
    }
    assertTrue(Files.size(map()) < 1.1 * BYTES, "the file has " + Files.size(map()));
    assertEquals(
        PosixFilePermissions.fromString("rw-------"), Files.getPosixFilePermissions(map()));
  }

  @Test
  void shouldMendWhatWasNotClosedInOrder() throws Exception {
    fill(0, 10);
    fill(10, 20);
    Files.delete(folder.resolve("order")); // as if the process had been killed
    try (StoreFolder store = lock()) {
      PageTable table = store.open();
      assertEquals(Pages.key(0), table.oldestFirst().getFirst().page());
      assertEquals(20, countRead(table, 0, 20));
      put(table, 20, PAGES_MAX + 5);
      assertEquals(15, countRead(table, 0, 20));
    }
  }

  @Test
  void shouldSetGarbageAside() throws Exception {
    fill(0, 10);
    byte[] garbage = new byte[100_000];
    new Random(3).nextBytes(garbage);
    Files.write(map(), garbage);
    shouldBeginAnew();
  }

  @Test
  void shouldSetZerosAside() throws Exception {
    fill(0, 10);
    Files.write(map(), new byte[100_000]);
    Files.delete(folder.resolve("order"));
    shouldBeginAnew();
  }

  @Test
  void shouldSetAsideWhatIsCutShort() throws Exception {
    fill(0, 10);
    try (RandomAccessFile file = new RandomAccessFile(map().toFile(), "rw")) {
      file.setLength(file.length() / 4);
    }
    shouldBeginAnew();
  }

  @Test
  void shouldSetAnotherVersionAside() throws Exception {
    fill(0, 10);
    Path map = map();
    Files.move(map, folder.resolve(map.getFileName().toString().replace("pages-1", "pages-0")));
    shouldBeginAnew();
  }

  @Test
  void shouldBeginAnewInAnotherSize() throws Exception {
    fill(0, 10);
    Path before = map();
    try (StoreFolder store = StoreFolder.lock(folder, BYTES / 2, StoreFolder.CHRONICLE)) {
      assertEquals(0, countRead(store.open(), 0, 10));
    }
    assertFalse(Files.exists(before));
  }

  @Test
  void shouldNotTakeWhatTheDiskHasToLeaveToOthers() throws Exception {
    long most = folder.toFile().getUsableSpace();
    try (StoreFolder store = StoreFolder.lock(folder, most, StoreFolder.CHRONICLE)) {
      IOException refusal = assertThrows(IOException.class, store::open);
      assertTrue(String.valueOf(refusal.getMessage()).contains("left to others"));
    }
    assertEquals(List.of("lock"), List.of(Objects.requireNonNull(folder.toFile().list())));
  }

  @Test
  void shouldLetOneOwnerInAtATime() throws Exception {
    try (StoreFolder store = lock()) {
      store.open();
      assertThrows(IOException.class, this::lock);
    }
    lock().close();
  }
}
