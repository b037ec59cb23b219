package org.kithlm.transport.media;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DriverDirectoryTest {
  @TempDir Path parent;

  @Test
  void shouldDeleteWhatADeadProcessLeft() throws IOException {
    Path orphan = parent.resolve(DriverDirectory.PREFIX + "1");
    Files.createDirectory(orphan);
    Files.writeString(orphan.resolve("cnc.dat"), "x");
    Files.createFile(parent.resolve(DriverDirectory.PREFIX + "1.lock"));
    Path foreign = Files.createDirectory(parent.resolve("aeron-other"));

    DriverDirectory.create(parent).close();

    assertFalse(Files.exists(orphan));
    assertArrayEquals(new String[] {"aeron-other"}, parent.toFile().list());
    assertTrue(Files.exists(foreign));
  }

  @Test
  void shouldLeaveALivingDriverAlone() throws IOException {
    try (DriverDirectory first = DriverDirectory.create(parent)) {
      Files.createDirectory(first.path());
      DriverDirectory.create(parent).close();
      assertTrue(Files.exists(first.path()));
    }
    assertArrayEquals(new String[0], parent.toFile().list());
  }
}
