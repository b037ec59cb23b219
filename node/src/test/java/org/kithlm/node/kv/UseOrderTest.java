package org.kithlm.node.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UseOrderTest {
  @TempDir Path folder;

  private final List<PageKey.Piece> pages =
      IntStream.range(0, 100).mapToObj(i -> new PageKey.Piece(Pages.key(i), 0, 1 + i)).toList();

  @Test
  void shouldReadWhatItWrote() throws Exception {
    Path file = folder.resolve("order");
    assertNull(UseOrder.read(file));
    for (List<PageKey.Piece> some : List.of(pages, List.<PageKey.Piece>of())) {
      UseOrder.write(file, some);
      assertEquals(some, UseOrder.read(file));
    }
  }

  @Test
  void shouldReadNothingWhereItIsNotWhole() throws Exception {
    Path file = folder.resolve("order");
    UseOrder.write(file, pages);
    byte[] whole = Files.readAllBytes(file);
    for (int length : new int[] {0, 3, 8, 100, whole.length - 1, whole.length + 1}) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertNull(UseOrder.read(file), "length " + length);
    }
    for (int at = 0; at < whole.length; at += 7) {
      byte[] flipped = whole.clone();
      flipped[at] ^= 16;
      Files.write(file, flipped);
      assertNull(UseOrder.read(file), "flipped at " + at);
    }
  }
}
