package org.kithlm.node.shard;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.kithlm.node.control.NodeMessage.ByteRun;

/**
 * Asks for runs of the pack in one request, as a rank's weights are hundreds of them. The body is a
 * JSON array with offset and length of each in bytes; the answer is the bytes of all, in order.
 */
public final class RunsRequest {
  /** So many fit in 8 KiB, also where a pack has terabytes. */
  public static final int RUNS_MAX = 256;

  private static final JsonMapper MAPPER = new JsonMapper();

  private RunsRequest() {}

  /** The body for some runs, at most {@link #RUNS_MAX}. */
  static byte[] write(List<ByteRun> runs) {
    long[] numbers = new long[2 * runs.size()];
    for (int i = 0; i < runs.size(); i++) {
      numbers[2 * i] = runs.get(i).offsetBytes();
      numbers[2 * i + 1] = runs.get(i).lengthBytes();
    }
    try {
      return MAPPER.writeValueAsBytes(numbers);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("an array of numbers can be written", e);
    }
  }

  /**
   * The runs that a body asks for.
   *
   * @throws IllegalArgumentException if it asks for none, too many, or none that can be
   */
  public static List<ByteRun> read(byte[] body) {
    long[] numbers;
    try {
      numbers = MAPPER.readValue(body, long[].class);
    } catch (IOException e) {
      throw new IllegalArgumentException("the body is no JSON array of whole numbers", e);
    }
    if (numbers == null || numbers.length == 0 || numbers.length % 2 != 0) {
      throw new IllegalArgumentException("the body has no pairs of offset and length");
    }
    if (numbers.length > 2 * RUNS_MAX) {
      throw new IllegalArgumentException(
          "the body asks for %d runs; %d are the most".formatted(numbers.length / 2, RUNS_MAX));
    }
    List<ByteRun> runs = new ArrayList<>();
    for (int i = 0; i < numbers.length; i += 2) {
      if (numbers[i] < 0 || numbers[i + 1] < 1) {
        throw new IllegalArgumentException(
            "offset=%d length=%d is no run of bytes".formatted(numbers[i], numbers[i + 1]));
      }
      runs.add(new ByteRun(numbers[i], numbers[i + 1]));
    }
    return runs;
  }
}
