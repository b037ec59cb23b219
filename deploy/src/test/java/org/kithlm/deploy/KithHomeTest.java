package org.kithlm.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class KithHomeTest {
  @TempDir Path folder;

  @Test
  void shouldBeInTheUsersFolderByDefault() {
    Path expected = Path.of(System.getProperty("user.home"), ".kith");
    assertEquals(expected, KithHome.of(Map.of()).folder());
    assertEquals(expected, KithHome.of(Map.of("KITH_HOME", " ")).folder());
  }

  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "POSIX permissions")
  void shouldMakeFoldersForTheOwnerOnly() throws Exception {
    KithHome home = KithHome.of(Map.of("KITH_HOME", folder.resolve("a/b").toString()));
    Path made = home.subfolder("models");
    assertEquals(folder.resolve("a/b/models"), made);
    for (Path path : new Path[] {made, home.folder()}) {
      assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
    }
    assertEquals(made, home.subfolder("models"));
  }

  @Test
  void shouldTellWhichFolderCannotBeMade() throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    KithException failure =
        assertThrows(KithException.class, () -> new KithHome(file).subfolder("models"));
    String message = String.valueOf(failure.getMessage());
    assertTrue(message.startsWith("cannot make the folder " + file.resolve("models")), message);
    assertTrue(message.endsWith("; set KITH_HOME to a writable one"), message);
  }
}
