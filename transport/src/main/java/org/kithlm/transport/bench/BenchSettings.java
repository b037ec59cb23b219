package org.kithlm.transport.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a run measures; the same on all ranks.
 *
 * @param payloadBytes vectors, in bytes
 * @param rounds of each contender and payload in a batch
 * @param batches that all contenders take part in in turn; the first warms up and does not count
 * @param mtuLength largest UDP payload, 0 for what a cluster sends between these addresses
 * @param contenders some of {@link #CONTENDERS}
 */
public record BenchSettings(
    List<Integer> payloadBytes, int rounds, int batches, int mtuLength, List<String> contenders) {
  /** Those of ours, from star on, also with {@link #SEALED} behind its name. */
  public static final List<String> CONTENDERS =
      List.of("udp", "tcp", "ring", "star", "direct", "two-shot", "auto", "shared-memory");

  /** Behind the name of a contender whose frames are sealed. */
  static final String SEALED = "-sealed";

  /** Each has ports of its own. */
  static final int CONTENDERS_MAX = 10;

  private static final int PAYLOAD_MAX_BYTES = 16 << 20;
  private static final int ROUNDS_MAX = 1_000_000;
  private static final int BATCHES_MAX = 1000;
  private static final int MTU_MAX = 65_504;

  /** Checks every range; the message names the option and its value. */
  public BenchSettings {
    payloadBytes = List.copyOf(payloadBytes);
    contenders = List.copyOf(contenders);
    for (int bytes : payloadBytes) {
      check("bytes", bytes, Float.BYTES, PAYLOAD_MAX_BYTES);
    }
    check("rounds", rounds, 2, ROUNDS_MAX);
    check("batches", batches, 2, BATCHES_MAX);
    check("mtu", mtuLength, 0, MTU_MAX);
    check("number of contenders", contenders.size(), 1, CONTENDERS_MAX);
    if (Set.copyOf(contenders).size() < contenders.size()) {
      throw new IllegalArgumentException("contenders " + contenders + ": name each once");
    }
    for (String contender : contenders) {
      int form = CONTENDERS.indexOf(contender.replace(SEALED, ""));
      if (form < 0 || (contender.endsWith(SEALED) && form < CONTENDERS.indexOf("star"))) {
        throw new IllegalArgumentException("contender " + contender + ": one of " + CONTENDERS);
      }
    }
  }

  /**
   * Reads {@code name=value} options: {@code bytes} and {@code contenders}, comma-separated, {@code
   * rounds}, {@code batches}, {@code mtu}.
   *
   * @throws IllegalArgumentException if one is not understood
   */
  static BenchSettings of(Map<String, String> options) {
    List<Integer> payloadBytes = new ArrayList<>();
    for (String bytes : list(options, "bytes", "2304,6144,32768")) {
      payloadBytes.add(number("bytes", bytes));
    }
    return new BenchSettings(
        payloadBytes,
        number("rounds", options.getOrDefault("rounds", "1000")),
        number("batches", options.getOrDefault("batches", "6")),
        number("mtu", options.getOrDefault("mtu", "0")),
        list(options, "contenders", String.join(",", CONTENDERS)));
  }

  /** The options that {@link #of} reads. */
  Map<String, String> options() {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("bytes", String.join(",", payloadBytes.stream().map(String::valueOf).toList()));
    options.put("rounds", Integer.toString(rounds));
    options.put("batches", Integer.toString(batches));
    options.put("mtu", Integer.toString(mtuLength));
    options.put("contenders", String.join(",", contenders));
    return options;
  }

  private static List<String> list(Map<String, String> options, String name, String otherwise) {
    return Arrays.asList(options.getOrDefault(name, otherwise).split(",", -1));
  }

  static int number(String name, String value) {
    try {
      return Integer.parseInt(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(name + "=" + value + " is not a number", e);
    }
  }

  private static void check(String name, int value, int min, int max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          "%s=%d is out of range: %d to %d".formatted(name, value, min, max));
    }
  }
}
