package org.kithlm.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.UncheckedIOException;
import org.junit.jupiter.api.Test;

class DataPortTest {
  @Test
  void shouldHoldAPortUntilClosed() {
    int port;
    try (DataPort first = DataPort.reserve("127.0.0.1", 0)) {
      port = first.port();
      UncheckedIOException error =
          assertThrows(
              UncheckedIOException.class, () -> DataPort.reserve("127.0.0.1", port).close());
      assertTrue(error.toString().contains("127.0.0.1:" + port), error::toString);
    }
    try (DataPort again = DataPort.reserve("127.0.0.1", port)) {
      assertEquals(port, again.port());
    }
  }
}
