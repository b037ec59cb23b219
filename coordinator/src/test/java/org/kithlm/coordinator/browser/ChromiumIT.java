package org.kithlm.coordinator.browser;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("browser")
class ChromiumIT {
  private static final int TIMEOUT_SECONDS = 60;

  /** A JVM that starts a browser, tells its processes, and does nothing more. */
  static final class Owner {
    public static void main(String[] arguments) throws Exception {
      try (Chromium browser = Chromium.start()) {
        browser.newTab();
        ProcessHandle.current().descendants().forEach(process -> System.out.println(process.pid()));
        System.out.println();
        System.in.readAllBytes(); // until it is killed
      }
    }
  }

  @Test
  void shouldEndWithTheJvmThatStartedIt() throws Exception {
    Chromium.start().close(); // skips where there is none
    Process owner =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Owner.class.getName())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    List<ProcessHandle> processes = new ArrayList<>();
    try (BufferedReader out =
        new BufferedReader(new InputStreamReader(owner.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = out.readLine(); line != null && !line.isEmpty(); line = out.readLine()) {
        ProcessHandle.of(Long.parseLong(line)).ifPresent(processes::add);
      }
    } finally {
      owner.destroyForcibly();
    }

    assertFalse(processes.isEmpty());
    assertTrue(owner.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS));
    for (ProcessHandle process : processes) {
      process.onExit().get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
    }
  }
}
