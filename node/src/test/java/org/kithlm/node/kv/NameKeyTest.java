package org.kithlm.node.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NameKeyTest {
  private static final int PAGES = 5;

  @TempDir Path folder;

  private final int[] tokens = new Random(1).ints(PAGES * 64, 0, 50_000).toArray();

  private NameKey key(String file) throws Exception {
    return NameKey.open(folder.resolve(file));
  }

  @Test
  void shouldNameAPageByAllTokensUpToItsEnd() throws Exception {
    NameKey key = key("secret");
    List<PageName> names = key.names("model", tokens, PAGES);
    assertEquals(PAGES, new HashSet<>(names).size());
    int[] other = tokens.clone();
    other[2 * 64 + 63]++;
    List<PageName> changed = key.names("model", other, PAGES);
    assertEquals(names.subList(0, 2), changed.subList(0, 2));
    for (int page = 2; page < PAGES; page++) {
      assertNotEquals(names.get(page), changed.get(page));
    }
    assertEquals(names.subList(0, 3), key.names("model", tokens, 3));
    assertNotEquals(names.getFirst(), key.names("another", tokens, 1).getFirst());
  }

  @Test
  void shouldGiveTheSamePageInAnotherPlaceAnotherName() throws Exception {
    int[] same = new int[2 * 64];
    List<PageName> names = key("secret").names("model", same, 2);
    assertNotEquals(names.get(0), names.get(1));
  }

  @Test
  void shouldKeepItsSecretForItsOwnerOnly() throws Exception {
    NameKey first = key("secret");
    Path file = folder.resolve("secret");
    assertEquals(PosixFilePermissions.fromString("rw-------"), Files.getPosixFilePermissions(file));
    List<PageName> names = first.names("model", tokens, PAGES);
    assertEquals(names, key("secret").names("model", tokens, PAGES));
    assertNotEquals(names, key("other").names("model", tokens, PAGES));
  }

  @Test
  void shouldMakeASecretInThePlaceOfOneThatIsCutShort() throws Exception {
    key("secret");
    Path file = folder.resolve("secret");
    Files.write(file, new byte[7]);
    List<PageName> names = key("secret").names("model", tokens, PAGES);
    assertEquals(32, Files.size(file));
    assertEquals(names, key("secret").names("model", tokens, PAGES));
  }
}
