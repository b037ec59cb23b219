package org.kithlm.deploy.catalog;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelConfigReader;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.gguf.GgufFile;
import org.kithlm.model.gguf.GgufHeader;
import org.kithlm.model.gguf.GgufTensor;
import org.kithlm.model.tokenizer.Tokenizer;

class SyntheticShapeTest {
  @TempDir Path folder;

  /** Parameters as published, in millions. */
  @ParameterizedTest
  @CsvSource({
    "LLAMA2_7B, 6738, 32",
    "LLAMA2_13B, 13016, 40",
    "LLAMA2_34B, 33744, 48",
    "LLAMA2_70B, 68977, 80",
    "LLAMA3_8B, 8030, 32"
  })
  void shouldHaveTheParametersOfTheRealModel(SyntheticShape shape, long millions, int layers)
      throws IOException {
    GgufHeader header = shape.header(GgmlType.Q4_K);
    Path file = folder.resolve(shape + ".gguf");
    byte[] bytes = header.bytes();
    Files.write(file, bytes);
    try (RandomAccessFile hole = new RandomAccessFile(file.toFile(), "rw")) {
      hole.setLength(bytes.length + header.dataBytes());
    }
    GgufFile gguf = GgufFile.read(file);
    ModelConfig config = ModelConfigReader.from(gguf.metadata(), gguf.tensors());
    long parameters =
        gguf.tensors().values().stream()
            .map(GgufTensor::dimensions)
            .mapToLong(dimensions -> dimensions.stream().reduce(1L, Math::multiplyExact))
            .sum();
    assertEquals(millions, Math.round(parameters / 1e6));
    assertEquals(layers, config.layerCount());
    Tokenizer tokenizer = Tokenizer.from(gguf.metadata());
    assertEquals(config.vocabularySize(), tokenizer.vocabularySize());
    assertEquals(6, tokenizer.encode("abc", false, false).length, "bytes, with U+2581 first");
  }
}
