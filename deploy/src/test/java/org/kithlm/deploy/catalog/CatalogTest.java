package org.kithlm.deploy.catalog;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;

class CatalogTest {
  private static final Catalog CATALOG = Catalog.load();

  @Test
  void shouldOnlyListSourcesThatCanBeRead() {
    assertEquals("smollm2:135m, gemma3:270m, qwen2.5-coder:1.5b", CATALOG.names());
    WheelClient none =
        (requirement, folder) -> {
          throw new AssertionError(requirement);
        };
    for (Catalog.Entry entry : CATALOG.models()) {
      assertEquals(entry.name(), ModelName.check(entry.name()));
      assertTrue(entry.sha256().matches("[0-9a-f]{64}"), entry.name());
      assertTrue(entry.ggufBytes() > 0, entry.name());
      for (String source : entry.sources()) {
        assertDoesNotThrow(
            () ->
                source.startsWith(PipSource.PREFIX)
                    ? new PipSource(source, none)
                    : new HuggingFaceSource(source, Map.of()),
            source);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "smollm2:135m, smollm2:135m",
    "hf:Owner/Repo/dir/My-Model.Q4_K_M.gguf, my-model.q4_k_m",
    "pip:My-Package==1.0, my-package",
    "'pip:part1==1,part2==1', part1"
  })
  void shouldNameModels(String text, String name) {
    assertEquals(name, PullTarget.of(text, null, CATALOG).name());
    assertEquals("mine", PullTarget.of(text, "mine", CATALOG).name());
  }

  @Test
  void shouldListWhatItKnowsWhenAskedForSomethingElse() {
    KithException failure =
        assertThrows(KithException.class, () -> PullTarget.of("llama9", null, CATALOG));
    assertEquals(ExitCode.USAGE, failure.exitCode());
    assertEquals(
        "\"llama9\" is neither a model of the catalog (smollm2:135m, gemma3:270m,"
            + " qwen2.5-coder:1.5b) nor a GGUF file here, hf:owner/repo/file.gguf or"
            + " pip:package==version",
        failure.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "..", "A", "a/b", "a:b:c", "-a", "a+b", "a b"})
  void shouldRefuseNamesThatAreNoFolders(String name) {
    assertThrows(KithException.class, () -> ModelName.folderName(name));
  }

  @Test
  void shouldFindTheNameOfAFolder() {
    assertEquals("qwen2.5-coder+1.5b", ModelName.folderName("qwen2.5-coder:1.5b"));
    assertEquals("qwen2.5-coder:1.5b", ModelName.ofFolder("qwen2.5-coder+1.5b"));
    assertEquals("my-model", ModelName.ofFile(Path.of("_My Model.GGUF").toString()));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "999, 999 B",
    "1000, 1.0 kB",
    "98362432, 98.4 MB",
    "999949999, 999.9 MB",
    "999960000, 1.0 GB",
    "5200000000000000, 5200.0 TB"
  })
  void shouldFormatBytes(long bytes, String text) {
    assertEquals(text, ByteSize.format(bytes));
  }
}
