package org.kithlm.model;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** The real models that some tests run on, where they are provided. */
public final class TestModels {
  private TestModels() {}

  /** Path of a real model; skips the test where it is not provided. */
  public static Path gguf(String name) {
    String key = "KITH_TEST_MODELS";
    String folder = System.getProperty(key, System.getenv(key));
    Assumptions.assumeTrue(
        folder != null,
        key + " is not set: give it a folder with smollm2.gguf, gemma3.gguf and qwen25.gguf");
    Path path = Path.of(folder, name + ".gguf");
    Assumptions.assumeTrue(Files.isReadable(path), key + ": " + path + " is missing");
    return path;
  }
}
