package org.kithlm.coordinator.generation;

import java.util.Optional;
import org.kithlm.model.gguf.GgufMetadata;

/**
 * What a model file says of itself.
 *
 * @param architecture its family, by GGUF's name
 * @param sizeLabel its number of parameters as people write it, such as 135M; empty where unknown
 * @param quantization how most of its weights are stored, such as Q4_K_M; empty where unknown
 * @param layerCount number of layers
 * @param embeddingLength size of the hidden state
 * @param template its chat template, empty where it has none
 * @param fileBytes size of the pack
 * @param digest identifies the pack, hexadecimal
 */
public record ModelCard(
    String architecture,
    String sizeLabel,
    String quantization,
    int layerCount,
    int embeddingLength,
    String template,
    long fileBytes,
    String digest) {
  private static final String FILE_TYPE = "general.file_type";
  private static final int NO_FILE_TYPE = -1;

  /** Reads it from the metadata of a GGUF file. */
  public static ModelCard of(GgufMetadata metadata, long fileBytes, String digest) {
    String architecture = metadata.string("general.architecture");
    return new ModelCard(
        architecture,
        text(metadata, "general.size_label"),
        quantization(metadata.integer(FILE_TYPE, NO_FILE_TYPE)),
        metadata.integer(architecture + ".block_count", 0),
        metadata.integer(architecture + ".embedding_length", 0),
        text(metadata, "tokenizer.chat_template"),
        fileBytes,
        digest);
  }

  private static String text(GgufMetadata metadata, String key) {
    Optional<String> value = metadata.optionalString(key);
    return value.orElse("");
  }

  /** Names of GGUF's file types (ggml's gguf.md, general.file_type), those that can be run here. */
  private static String quantization(int fileType) {
    return switch (fileType) {
      case 0 -> "F32";
      case 1 -> "F16";
      case 2 -> "Q4_0";
      case 3 -> "Q4_1";
      case 7 -> "Q8_0";
      case 8 -> "Q5_0";
      case 9 -> "Q5_1";
      case 14 -> "Q4_K_S";
      case 15 -> "Q4_K_M";
      case 16 -> "Q5_K_S";
      case 17 -> "Q5_K_M";
      case 18 -> "Q6_K";
      case 32 -> "BF16";
      default -> "";
    };
  }
}
