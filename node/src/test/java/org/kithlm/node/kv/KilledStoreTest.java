package org.kithlm.node.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process is killed while it writes. */
@Tag("fault")
class KilledStoreTest {
  private static final long PAGE_BYTES = 200_000;
  private static final long BYTES = 16 << 20;
  private static final int ROUNDS = 4;
  private static final long OPEN_MS_MAX = 20_000;
  private static final String TOLD = "page "; // other lines are the log's

  @TempDir Path folder;

  /** Writes and drops pages until it is killed; tells each that is there. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] arguments) throws IOException {
      int number = Integer.parseInt(arguments[1]);
      try (StoreFolder store =
          StoreFolder.lock(Path.of(arguments[0]), BYTES, StoreFolder.CHRONICLE)) {
        PageTable table = store.open();
        for (; ; number++) {
          try (Arena arena = Arena.ofConfined()) {
            table.put(Pages.key(number), Pages.content(arena, number, PAGE_BYTES));
          }
          System.out.println(TOLD + number);
        }
      }
    }
  }

  @Test
  @Timeout(value = 240, unit = TimeUnit.SECONDS)
  void shouldHoldWholePagesAndTakeNewOnesAfterEachKill() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    int next = 0;
    for (int round = 0; round < ROUNDS; round++) {
      Process writer = start(next);
      try (BufferedReader out = writer.inputReader()) {
        int written = 1 + random.nextInt(150); // the file has room for fewer
        for (int i = 0; i < written; i++) {
          next = nextPage(out);
        }
        writer.toHandle().destroyForcibly(); // which leaves its output open
        for (int page = next; page >= 0; page = nextPage(out)) {
          next = page; // it may have got far meanwhile
        }
      } finally {
        writer.destroyForcibly();
        assertTrue(writer.waitFor(20, TimeUnit.SECONDS));
      }
      next += 10;
      shouldOpen(next, "seed=" + seed + " round=" + round);
      next += 10;
    }
  }

  /** The next page that was told of; negative at the end. */
  private static int nextPage(BufferedReader out) throws IOException {
    String line = out.readLine();
    while (line != null && !line.startsWith(TOLD)) {
      line = out.readLine();
    }
    return line == null ? -1 : Integer.parseInt(line.substring(TOLD.length()));
  }

  private Process start(int first) throws IOException {
    Path options = Path.of(System.getProperty("kith.project.dir"), "deploy", "jvm.options");
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "@" + options,
            "-Xmx48m",
            "-cp",
            System.getProperty("java.class.path"),
            Writer.class.getName(),
            folder.toString(),
            Integer.toString(first));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
  }

  private void shouldOpen(int next, String where) throws IOException {
    long start = System.nanoTime();
    try (StoreFolder store = StoreFolder.lock(folder, BYTES, StoreFolder.CHRONICLE);
        Arena arena = Arena.ofConfined()) {
      PageTable table = store.open();
      List<PageKey.Piece> pages = table.oldestFirst();
      assertTrue(!pages.isEmpty(), where);
      var out = arena.allocate(PAGE_BYTES);
      int read = 0;
      for (int number = 0; number < next; number++) {
        if (table.get(Pages.key(number), out)) {
          assertTrue(Pages.is(number, out), where + " page=" + number);
          read++;
        }
      }
      assertTrue(read >= pages.size() - 1, where + " pages=" + pages.size() + " read=" + read);
      for (int number = next; number < next + 5; number++) {
        assertTrue(table.put(Pages.key(number), Pages.content(arena, number, PAGE_BYTES)), where);
        assertTrue(table.get(Pages.key(number), out), where);
      }
      long ms = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
      assertTrue(ms < OPEN_MS_MAX, where + " took " + ms + " ms");
      assertEquals(true, table.isSound(), where);
    }
  }
}
