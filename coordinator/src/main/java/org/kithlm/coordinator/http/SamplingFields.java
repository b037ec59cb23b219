package org.kithlm.coordinator.http;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;
import org.kithlm.model.sampling.SamplingParameters;

/** The fields that say how tokens are chosen and when to stop, the same in both completion APIs. */
final class SamplingFields {
  /** OpenAI allows 4; local clients send a few more. */
  private static final int STOPS_MAX = 16;

  private static final Pattern TOKEN_ID = Pattern.compile("[0-9]{1,9}");

  private SamplingFields() {}

  static SamplingParameters sampling(Fields body) {
    // top_k=-1 is vLLM's word for "all", and top_p=0 keeps only the likeliest token.
    return new SamplingParameters(
        (float) body.number("temperature", 0, 2, 1),
        (int) Math.max(0, body.integer("top_k", -1, Integer.MAX_VALUE, 0)),
        Math.max(Float.MIN_NORMAL, (float) body.number("top_p", 0, 1, 1)),
        (float) body.number("min_p", 0, 1, 0),
        (float) body.number("repetition_penalty", 0.01, 100, 1),
        (float) body.number("presence_penalty", -2, 2, 0),
        (float) body.number("frequency_penalty", -2, 2, 0),
        logitBias(body),
        body.has("seed")
            ? body.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE, 0)
            : ThreadLocalRandom.current().nextLong());
  }

  /** An object from token ids, as strings, to biases of -100 to 100. */
  private static Map<Integer, Float> logitBias(Fields body) {
    JsonNode biases = body.get("logit_bias");
    if (biases == null) {
      return Map.of();
    }
    if (!biases.isObject()) {
      throw body.wrong("logit_bias", "an object from token ids to numbers", biases);
    }
    Fields entries = new Fields(biases, "logit_bias.");
    Map<Integer, Float> byToken = new HashMap<>();
    biases
        .fieldNames()
        .forEachRemaining(
            name -> byToken.put(tokenId(name), (float) entries.number(name, -100, 100, 0)));
    return byToken;
  }

  private static int tokenId(String name) {
    // Nine digits: more than any vocabulary, and no overflow.
    if (!TOKEN_ID.matcher(name).matches()) {
      throw ApiException.badRequest(
          "logit_bias must have token ids as its keys, got \"" + name + "\"", "logit_bias");
    }
    return Integer.parseInt(name);
  }

  /** A string or an array of strings. */
  static List<String> stops(Fields body) {
    JsonNode stop = body.get("stop");
    if (stop == null) {
      return List.of();
    }
    List<String> stops = new ArrayList<>();
    for (JsonNode one : stop.isArray() ? stop : List.of(stop)) {
      if (!one.isTextual() || one.textValue().isEmpty() || stops.size() == STOPS_MAX) {
        throw body.wrong(
            "stop", "a string or an array of at most " + STOPS_MAX + ", none empty", stop);
      }
      stops.add(one.textValue());
    }
    return List.copyOf(stops);
  }
}
