package org.kithlm.model.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StringTableTest {
  @Test
  void shouldGiveBackWhatWasAdded() {
    Random random = new Random(20261130);
    for (int round = 0; round < 100; round++) {
      List<String> strings = new ArrayList<>();
      StringTable.Builder builder = new StringTable.Builder(50);
      for (int i = random.nextInt(51); i > 0; i--) {
        int[] codePoints =
            random.ints(random.nextInt(6), 0, 0x110000).filter(c -> c >> 11 != 27).toArray();
        String string = new String(codePoints, 0, codePoints.length);
        strings.add(string);
        builder.add(string.getBytes(StandardCharsets.UTF_8));
      }
      assertEquals(strings, builder.build());
    }
  }

  @Test
  void shouldNotBeChangeable() {
    StringTable.Builder builder = new StringTable.Builder(1);
    builder.add(new byte[] {'a'});
    List<String> table = builder.build();
    assertThrows(UnsupportedOperationException.class, () -> table.set(0, "b"));
    assertThrows(IndexOutOfBoundsException.class, () -> table.get(1));
  }
}
