package org.kithlm.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Assumptions;

/**
 * What other programs made of a prompt: {@code NAME.json} and {@code NAME.npy} from llama.cpp,
 * {@code NAME.f32ref.npy} from an f32 implementation, where there is one.
 *
 * @param promptIds tokens of the prompt
 * @param greedyIds llama.cpp's greedy continuation
 * @param greedyMargins best minus second logit at each of its steps
 * @param logits llama.cpp's after the prompt
 * @param f32Logits the f32 implementation's after the prompt, or empty
 */
public record ReferenceOutput(
    int[] promptIds, int[] greedyIds, double[] greedyMargins, float[] logits, float[] f32Logits) {

  /** Reads the files of a name; skips the test where they are not provided. */
  public static ReferenceOutput read(String name) throws IOException {
    String key = "KITH_TEST_ORACLE";
    String folder = System.getProperty(key, System.getenv(key));
    Assumptions.assumeTrue(
        folder != null,
        key + " is not set: give it a folder with reference outputs such as smollm2-p1.json");
    Path json = Path.of(folder, name + ".json");
    Assumptions.assumeTrue(Files.isReadable(json), key + ": " + json + " is missing");
    JsonNode root = new ObjectMapper().readTree(json.toFile());
    Path f32 = Path.of(folder, name + ".f32ref.npy");
    return new ReferenceOutput(
        integers(root.get("prompt_ids")),
        integers(root.get("greedy_ids")),
        StreamSupport.stream(root.get("greedy_margins").spliterator(), false)
            .mapToDouble(JsonNode::asDouble)
            .toArray(),
        floats(Path.of(folder, name + ".npy")),
        Files.exists(f32) ? floats(f32) : new float[0]);
  }

  /** Greedy steps before the first that another rounding could turn. */
  public int certainSteps(double margin) {
    int steps = 0;
    while (steps < greedyMargins.length && greedyMargins[steps] >= margin) {
      steps++;
    }
    return steps;
  }

  private static int[] integers(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
  }

  /** A one-dimensional little-endian f32 array in NumPy's format, version 1.0. */
  private static float[] floats(Path npy) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(npy)).order(ByteOrder.LITTLE_ENDIAN);
    int headerLength = bytes.getShort(8);
    String header = new String(bytes.array(), 10, headerLength, StandardCharsets.US_ASCII);
    if (!header.contains("'<f4'") || header.contains("'fortran_order': True")) {
      throw new IOException(npy + " is not an array of f32: " + header);
    }
    bytes.position(10 + headerLength);
    float[] out = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(out);
    return out;
  }
}
