package org.kithlm.model.tokenizer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Assumptions;
import org.kithlm.model.gguf.GgufMetadata;

/** The metadata of real models in the folder KITH_TEST_MODELS, for tests that need them. */
final class ModelVocabularies {
  static final List<String> NAMES = List.of("smollm2", "gemma3", "qwen25");
  private static final int HEADER_BYTES_MAX = 24 << 20; // the metadata of these models is shorter

  private final ByteBuffer in;

  private ModelVocabularies(ByteBuffer in) {
    this.in = in;
  }

  /** Metadata of {@code name}.gguf; the test is skipped where there is none. */
  static GgufMetadata metadata(String name) throws IOException {
    String folder =
        Objects.requireNonNullElse(
            System.getProperty("KITH_TEST_MODELS", System.getenv("KITH_TEST_MODELS")), "");
    Path file = Path.of(folder, name + ".gguf");
    Assumptions.assumeTrue(
        !folder.isEmpty() && Files.exists(file),
        "set KITH_TEST_MODELS to a folder with " + name + ".gguf");
    try (FileChannel channel = FileChannel.open(file)) {
      ByteBuffer header = ByteBuffer.allocate((int) Math.min(HEADER_BYTES_MAX, channel.size()));
      while (header.hasRemaining()) {
        channel.read(header);
      }
      return new ModelVocabularies(header.flip().order(ByteOrder.LITTLE_ENDIAN)).read();
    }
  }

  private GgufMetadata read() {
    in.position(16); // magic, version, tensor count
    Map<String, Object> values = new HashMap<>();
    for (long count = in.getLong(); count > 0; count--) {
      values.put(string(), value(in.getInt()));
    }
    return new GgufMetadata(values);
  }

  private String string() {
    byte[] bytes = new byte[(int) in.getLong()];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private Object value(int type) {
    return switch (type) {
      case 0, 1 -> (long) in.get();
      case 2, 3 -> (long) in.getShort();
      case 4, 5 -> (long) in.getInt();
      case 6 -> in.getFloat();
      case 7 -> in.get() != 0;
      case 8 -> string();
      case 9 -> array(in.getInt(), (int) in.getLong());
      case 10, 11 -> in.getLong();
      case 12 -> in.getDouble();
      default -> throw new IllegalStateException("GGUF value type " + type);
    };
  }

  private Object array(int type, int length) {
    List<Object> values = new ArrayList<>(length);
    for (int i = 0; i < length; i++) {
      values.add(value(type));
    }
    return switch (type) {
      case 8 -> values;
      case 6 -> {
        float[] floats = new float[length];
        for (int i = 0; i < length; i++) {
          floats[i] = (Float) values.get(i);
        }
        yield floats;
      }
      default -> values.stream().mapToLong(Long.class::cast).toArray();
    };
  }
}
