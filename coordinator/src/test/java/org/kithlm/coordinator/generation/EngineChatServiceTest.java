package org.kithlm.coordinator.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kithlm.coordinator.generation.GenerationRefusedException.Reason;
import org.kithlm.model.chat.ChatTemplate;
import org.kithlm.model.sampling.SamplingParameters;
import org.kithlm.model.tokenizer.Tokenizer;

class EngineChatServiceTest {
  private static final int CONTEXT_LENGTH = 8;

  private final Tokenizer tokenizer = ByteTokenizer.create();
  private final GenerationEngine engine = new GenerationEngine(tokenizer, CONTEXT_LENGTH);
  private final EngineChatService service =
      new EngineChatService(
          new ChatService.Model("tiny", 1, CONTEXT_LENGTH, ByteTokenizer.VOCABULARY),
          new ModelCard("llama", "", "", 1, 8, "", 1, "00"),
          tokenizer,
          ChatTemplate.from(ByteTokenizer.metadata()),
          engine);

  @AfterEach
  void stop() {
    engine.close();
  }

  private RecordingListener generate(int... prompt) {
    RecordingListener listener = new RecordingListener();
    service.generate(
        new GenerationRequest(prompt, 99, SamplingParameters.greedy(), List.of(), 0), listener);
    return listener;
  }

  private void assertRefused(Reason reason, String message, int... prompt) {
    GenerationRefusedException refusal =
        assertThrows(GenerationRefusedException.class, () -> generate(prompt));
    assertEquals(message, refusal.getMessage());
    assertEquals(reason, refusal.reason());
  }

  private void activate() {
    FakeRootRank rank = new FakeRootRank();
    rank.answer(CONTEXT_LENGTH - 1, "a");
    engine
        .activate(rank, List.of(), reason -> {})
        .toCompletableFuture()
        .orTimeout(FakeRootRank.TIMEOUT_SECONDS, TimeUnit.SECONDS)
        .join();
  }

  @Test
  void shouldRefuseAnEmptyPrompt() {
    assertRefused(Reason.INVALID, "the prompt is empty; send at least one token");
  }

  @Test
  void shouldRefuseTokensOutsideTheVocabulary() {
    assertRefused(Reason.INVALID, "token 257 is not in the vocabulary of 257", 1, 257);
    assertRefused(Reason.INVALID, "token -1 is not in the vocabulary of 257", -1);
  }

  @Test
  void shouldRefuseAPromptThatFillsTheContext() {
    assertRefused(
        Reason.CONTEXT_LENGTH_EXCEEDED,
        "the prompt has 8 tokens, which leaves no room for an answer in the context of 8; shorten"
            + " it",
        new int[CONTEXT_LENGTH]);
  }

  @Test
  void shouldAnswerTheLongestPromptWithOneToken() {
    activate();

    RecordingListener listener = generate(new int[CONTEXT_LENGTH - 1]);

    assertEquals("a", listener.text());
    assertEquals(FinishReason.LENGTH, listener.reason());
  }

  @Test
  void shouldTellWhetherARootIsActive() {
    assertFalse(service.health().ready());
    activate();
    assertTrue(service.health().ready());
  }

  @Test
  void shouldTellTheModelOfToolsCallsAndResults() {
    Map<String, Object> call = Map.of("function", Map.of("name", "rain", "arguments", Map.of()));
    String chat =
        tokenizer
            .decode(
                service.tokenizeChat(
                    List.of(
                        new ChatService.Message(
                            "assistant", "", Map.of("tool_calls", List.of(call))),
                        new ChatService.Message("tool", "7 mm", Map.of("tool_call_id", "c1"))),
                    List.of(Map.of("type", "function", "function", Map.of("name", "snow")))))
            .replace('\u2581', ' '); // as a vocabulary of bytes spells blanks

    assertTrue(chat.contains("\"name\": \"snow\""), chat);
    assertTrue(chat.contains("{\"name\": \"rain\", \"arguments\": {}}"), chat);
    assertTrue(chat.contains("<tool_response>\n7 mm\n</tool_response>"), chat);
  }

  @Test
  void shouldTokenizeTextAndChats() {
    assertArrayEquals(ByteTokenizer.tokens("hé"), service.tokenize("hé"));
    String chat =
        tokenizer.decode(
            service.tokenizeChat(List.of(new ChatService.Message("user", "hi</s>")), List.of()));
    assertTrue(chat.contains("hi</s>"), chat); // as text: a user cannot end a turn
    assertEquals("\uFFFD", service.tokenText(ByteTokenizer.tokens("é")[0]));
    assertArrayEquals(new byte[] {'h'}, service.tokenBytes('h' + 1));
  }
}
