package org.kithlm.deploy.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class MemoryOptionTest {
  private final MemoryOption.Size size = new MemoryOption.Size();

  @ParameterizedTest
  @CsvSource({
    "1K, 1024",
    "512M, 536870912",
    "512MB, 536870912",
    "512MiB, 536870912",
    "1.5G, 1610612736",
    "2T, 2199023255552",
    "1073741824K, 1099511627776"
  })
  void shouldReadSizesInPowersOf1024(String text, long bytes) {
    assertEquals(bytes, size.convert(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "512", "0M", "-1G", "1e3M", "M", "1.2345G", "1 G", "9999999999999K"})
  void shouldRefuseWhatIsNoSize(String text) {
    TypeConversionException refusal =
        assertThrows(TypeConversionException.class, () -> size.convert(text));
    assertEquals("'" + text + "' is not a size such as 512M or 1.5G", refusal.getMessage());
  }

  @Test
  void shouldShareWhatTheSystemAllowsAmongProcesses() {
    long alone = new MemoryOption().bytes(1);
    long four = new MemoryOption().bytes(4);
    assumeTrue(alone < Long.MAX_VALUE, "this system does not tell its memory");
    assertTrue(four > 0 && four < alone / 2, () -> four + " of " + alone);
  }
}
