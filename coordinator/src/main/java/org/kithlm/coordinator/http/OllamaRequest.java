package org.kithlm.coordinator.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.generation.Choices;
import org.kithlm.coordinator.generation.Priority;
import org.kithlm.model.sampling.SamplingParameters;

/** Reads what {@code /api/chat} and {@code /api/generate} share, with Ollama's defaults. */
final class OllamaRequest {
  /** Any model without a tag has this one. */
  private static final String DEFAULT_TAG = ":latest";

  private static final int RANDOM_SEED = -1;

  private OllamaRequest() {}

  /**
   * The options of a request.
   *
   * @param served the model that is served, which a request may name with the default tag
   * @param tools what the model may call
   */
  static CompletionOptions options(Fields body, String served, Tools tools) {
    refuseUnsupported(body);
    Fields options = new Fields(objectOrEmpty(body, "options"), "options.");
    long limit = options.integer("num_predict", Integer.MIN_VALUE, Integer.MAX_VALUE, -1);
    return new CompletionOptions(
        model(body, served),
        limit > 0 ? (int) limit : null, // -1 for no limit, -2 for all of the context
        sampling(options),
        SamplingFields.stops(options),
        false,
        0,
        streams(body),
        false,
        Choices.ONE,
        tools.grammar(ResponseFormat.ollamaGrammar(body)),
        null,
        Priority.INTERACTIVE);
  }

  /** The model that is asked, without the default tag. */
  static @Nullable String model(Fields body, String served) {
    String model = body.text("model");
    return (served + DEFAULT_TAG).equals(model) ? served : model;
  }

  private static SamplingParameters sampling(Fields options) {
    long seed = options.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE, RANDOM_SEED);
    return new SamplingParameters(
        (float) options.number("temperature", 0, 2, 0.8),
        (int) Math.max(0, options.integer("top_k", -1, Integer.MAX_VALUE, 40)),
        Math.max(Float.MIN_NORMAL, (float) options.number("top_p", 0, 1, 0.9)),
        (float) options.number("min_p", 0, 1, 0),
        (float) options.number("repeat_penalty", 0.01, 100, 1.1),
        (float) options.number("presence_penalty", -2, 2, 0),
        (float) options.number("frequency_penalty", -2, 2, 0),
        Map.of(),
        seed == RANDOM_SEED ? ThreadLocalRandom.current().nextLong() : seed);
  }

  /** Whether the answer comes in parts, as it does unless told otherwise. */
  static boolean streams(Fields body) {
    return !body.has("stream") || body.flag("stream");
  }

  private static JsonNode objectOrEmpty(Fields body, String name) {
    JsonNode value = body.get(name);
    if (value != null && !value.isObject()) {
      throw body.wrong(name, "an object", value);
    }
    return value == null ? JsonNodeFactory.instance.objectNode() : value;
  }

  private static void refuseUnsupported(Fields body) {
    if (isGiven(body, "think")) {
      throw ApiException.unsupported("think", "this endpoint does not tell thoughts from answers");
    }
    if (isGiven(body, "logprobs")) {
      throw ApiException.unsupported("logprobs", "only /v1 reports log probabilities");
    }
  }

  /** Whether a field says anything: Ollama's clients send empty ones. */
  static boolean isGiven(Fields body, String name) {
    JsonNode value = body.get(name);
    return value != null
        && !(value.isBoolean() && !value.booleanValue())
        && !(value.isTextual() && value.textValue().isEmpty())
        && !(value.isContainerNode() && value.isEmpty());
  }
}
