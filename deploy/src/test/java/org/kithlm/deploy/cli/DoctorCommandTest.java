package org.kithlm.deploy.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.Kith;
import org.kithlm.model.kernel.NativeLibrary;

class DoctorCommandTest {
  @TempDir Path home;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int kith(String... args) {
    return Kith.run(
        List.of(args),
        Map.of("KITH_HOME", home.toString()),
        new PrintWriter(out),
        new PrintWriter(err));
  }

  @Test
  void shouldTellWhatSpeedDependsOn() {
    assertEquals(0, kith("doctor"), err.toString());
    List<String> names = out.toString().lines().map(line -> line.split(" ", 2)[0]).toList();
    assertEquals(List.of("JDK", "CPU", "features", "C", "kernels", "memory", "disk"), names);
    assertTrue(out.toString().contains("java: " + home), out.toString());
    assertTrue(out.toString().contains("kith doctor --build-native"), out.toString());
  }

  @Test
  void shouldBuildKernelsThatAreChosenFromThenOn() throws IOException {
    Assumptions.assumeTrue(
        NativeLibrary.compiler().isPresent(), "this machine has no C compiler in PATH");
    assertEquals(0, kith("doctor", "--build-native", "--json"), err.toString());
    JsonNode answer = Json.MAPPER.readTree(out.toString());
    assertEquals(8, answer.at("/comparison").size(), out.toString());
    boolean kept = Files.exists(NativeLibrary.file(home.resolve("native")));
    assertEquals(kept ? "native" : "java", answer.at("/kernels").asText(), out.toString());
  }

  @Test
  void shouldRefuseNativeKernelsThatWereNotBuilt() {
    assertEquals(1, kith("bench", "kernels", "--kernels", "native", "--types", "Q4_K"));
    String line = err.toString();
    assertTrue(line.startsWith("kith: --kernels native: no native kernels: " + home), line);
    assertEquals(1, line.lines().count(), line);
  }

  @Test
  void shouldNameTheKindsOfKernels() {
    assertEquals(2, kith("local", "smollm2:135m", "--kernels", "fast"));
    assertTrue(
        err.toString().contains("'fast' is not one of [auto, java, native]"), err.toString());
    assertFalse(err.toString().contains("Exception"), err.toString());
  }
}
