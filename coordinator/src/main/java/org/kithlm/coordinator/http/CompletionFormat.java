package org.kithlm.coordinator.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.GenerationListener.Token;
import org.kithlm.coordinator.generation.GenerationListener.Usage;

/** Answers of {@code /v1/completions}; whole answers and chunks have the same shape. */
final class CompletionFormat implements AnswerFormat {
  record Completion(
      String id,
      String object,
      long created,
      String model,
      List<Choice> choices,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable UsageCounts usage) {}

  record Choice(
      int index, String text, @Nullable Logprobs logprobs, @Nullable String finishReason) {}

  /** Parallel lists with an entry per token; offsets are in code points from the text's start. */
  record Logprobs(
      List<String> tokens,
      List<Float> tokenLogprobs,
      List<Map<String, Float>> topLogprobs,
      List<Integer> textOffset) {}

  private final ChatService service;
  private final Head head;
  private final boolean logprobs;
  private final Map<Integer, Integer> textOffsets = new HashMap<>(); // by choice

  CompletionFormat(ChatService service, boolean logprobs) {
    this.service = service;
    this.head = Head.of("cmpl-", service.model().id());
    this.logprobs = logprobs;
  }

  @Override
  public @Nullable Object opening(int choice) {
    return null;
  }

  @Override
  public List<?> part(int choice, String text, @Nullable Token token) {
    Logprobs tokens = token == null ? null : logprobs(choice, List.of(token));
    return List.of(completion(choice, text, tokens, null));
  }

  @Override
  public List<?> last(int choice, FinishReason reason) {
    return List.of(completion(choice, "", null, AnswerFormat.name(reason)));
  }

  @Override
  public Object usage(Usage usage) {
    return completion(List.of(), UsageCounts.of(usage));
  }

  @Override
  public Object whole(List<AnswerWriter.Choice> texts, Usage usage) {
    List<Choice> choices = new ArrayList<>();
    for (AnswerWriter.Choice text : texts) {
      choices.add(
          new Choice(
              text.index(),
              text.text(),
              logprobs(text.index(), text.tokens()),
              AnswerFormat.name(text.reason())));
    }
    return completion(choices, UsageCounts.of(usage));
  }

  private Completion completion(
      int choice, String text, @Nullable Logprobs logprobs, @Nullable String finishReason) {
    return completion(List.of(new Choice(choice, text, logprobs, finishReason)), null);
  }

  private Completion completion(List<Choice> choices, @Nullable UsageCounts usage) {
    return new Completion(
        head.id(), "text_completion", head.created(), head.model(), choices, usage);
  }

  private @Nullable Logprobs logprobs(int choice, List<Token> tokens) {
    if (!logprobs) {
      return null;
    }
    Logprobs lists =
        new Logprobs(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    int textOffset = textOffsets.getOrDefault(choice, 0);
    for (Token token : tokens) {
      String text = service.tokenText(token.id());
      float logprob = AnswerFormat.finite(token.logprob());
      lists.tokens().add(text);
      lists.tokenLogprobs().add(logprob);
      lists.topLogprobs().add(top(token, text, logprob));
      lists.textOffset().add(textOffset);
      textOffset += text.codePointCount(0, text.length());
    }
    textOffsets.put(choice, textOffset);
    return lists;
  }

  /** The candidates and the chosen token. Of tokens with the same text the likelier one counts. */
  private Map<String, Float> top(Token token, String text, float logprob) {
    Map<String, Float> byText = new LinkedHashMap<>();
    token
        .top()
        .forEach(
            top ->
                byText.merge(
                    service.tokenText(top.id()), AnswerFormat.finite(top.logprob()), Math::max));
    byText.putIfAbsent(text, logprob);
    return byText;
  }
}
