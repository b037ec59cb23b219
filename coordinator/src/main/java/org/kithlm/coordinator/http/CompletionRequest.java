package org.kithlm.coordinator.http;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

/**
 * The body of a request to {@code /v1/completions}. Exactly one of the prompts is not null.
 *
 * @param options what both APIs share
 * @param text the prompt as text
 * @param tokens the prompt as token ids
 */
record CompletionRequest(
    CompletionOptions options, @Nullable String text, int @Nullable [] tokens) {

  static CompletionRequest read(Fields body) {
    if (body.flag("echo")) {
      throw ApiException.unsupported("echo", "the prompt is not repeated in the answer");
    }
    if (body.has("suffix")) {
      throw ApiException.unsupported("suffix", "text can only be continued at its end");
    }
    if (body.integer("best_of", 1, Integer.MAX_VALUE, 1) != 1) {
      throw ApiException.unsupported("best_of", "one answer is made per request");
    }
    CompletionOptions options =
        CompletionOptions.read(
            body,
            body.has("logprobs"),
            (int) body.integer("logprobs", 0, CompletionOptions.TOP_LOGPROBS_MAX, 0),
            null,
            null);
    JsonNode prompt = onlyPrompt(body);
    return prompt.isTextual()
        ? new CompletionRequest(options, prompt.textValue(), null)
        : new CompletionRequest(options, null, tokens(body, prompt));
  }

  /** The prompt, out of its array where it is the only one in it. */
  private static JsonNode onlyPrompt(Fields body) {
    JsonNode prompt = body.get("prompt");
    if (prompt == null) {
      throw ApiException.badRequest("prompt is missing", "prompt");
    }
    boolean holdsPrompts =
        prompt.isArray()
            && !prompt.isEmpty()
            && (prompt.get(0).isTextual() || prompt.get(0).isArray());
    if (holdsPrompts && prompt.size() > 1) {
      throw ApiException.unsupported(
          "prompt", "one prompt per request, got " + prompt.size() + "; send them one by one");
    }
    return holdsPrompts ? prompt.get(0) : prompt;
  }

  private static int[] tokens(Fields body, JsonNode prompt) {
    if (!prompt.isArray() || prompt.isEmpty()) {
      throw body.wrong("prompt", "a string or an array of token ids", prompt);
    }
    int[] tokens = new int[prompt.size()];
    for (int i = 0; i < tokens.length; i++) {
      JsonNode id = prompt.get(i);
      if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0) {
        throw body.wrong("prompt[" + i + "]", "a token id", id);
      }
      tokens[i] = id.intValue();
    }
    return tokens;
  }
}
