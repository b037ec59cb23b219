package org.kithlm.coordinator.generation;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import org.kithlm.model.chat.ChatMessage;
import org.kithlm.model.chat.ChatPrompt;
import org.kithlm.model.chat.ChatTemplate;
import org.kithlm.model.chat.PromptSegment;
import org.kithlm.model.tokenizer.Tokenizer;

/** The served model: its tokenizer and chat template in front of the engine. */
public final class EngineChatService implements ChatService {
  private final Model model;
  private final ModelCard card;
  private final Tokenizer tokenizer;
  private final ChatTemplate template;
  private final GenerationEngine engine;

  /** A service; the engine stays the caller's to close. */
  public EngineChatService(
      Model model,
      ModelCard card,
      Tokenizer tokenizer,
      ChatTemplate template,
      GenerationEngine engine) {
    this.model = model;
    this.card = card;
    this.tokenizer = tokenizer;
    this.template = template;
    this.engine = engine;
  }

  @Override
  public Model model() {
    return model;
  }

  @Override
  public ModelCard card() {
    return card;
  }

  @Override
  public Health health() {
    return engine.isReady()
        ? new Health(true, "ready")
        : new Health(false, "waiting for nodes or for a new plan");
  }

  @Override
  public int[] tokenize(String text) {
    return tokenizer.encodePrompt(text);
  }

  @Override
  public String tokenText(int token) {
    return new String(tokenizer.tokenBytes(token), StandardCharsets.UTF_8);
  }

  @Override
  public byte[] tokenBytes(int token) {
    return tokenizer.tokenBytes(token);
  }

  @Override
  public int[] tokenizeChat(List<Message> messages, List<Map<String, Object>> tools) {
    List<ChatMessage> chat =
        messages.stream()
            .map(message -> new ChatMessage(message.role(), message.content(), message.extra()))
            .toList();
    StringBuilder text = new StringBuilder();
    BitSet trusted = new BitSet();
    ChatPrompt prompt = template.withToolCalls(new ChatPrompt(chat, true, tools, Map.of()));
    for (PromptSegment segment : template.segments(prompt)) {
      if (segment.trusted()) {
        trusted.set(text.length(), text.length() + segment.text().length());
      }
      text.append(segment.text());
    }
    int[] ids = tokenizer.encode(text.toString(), trusted, true);
    int bos = tokenizer.bosId();
    boolean doubled = ids.length > 1 && bos >= 0 && ids[0] == bos && ids[1] == bos;
    return doubled ? Arrays.copyOfRange(ids, 1, ids.length) : ids; // the template wrote it too
  }

  @Override
  public Generation generate(GenerationRequest request, GenerationListener listener) {
    int[] prompt = request.prompt();
    if (prompt.length == 0) {
      throw refused("the prompt is empty; send at least one token");
    }
    for (int token : prompt) {
      if (token < 0 || token >= tokenizer.vocabularySize()) {
        throw refused(
            "token " + token + " is not in the vocabulary of " + tokenizer.vocabularySize());
      }
    }
    if (prompt.length >= model.contextLength()) {
      throw new GenerationRefusedException(
          GenerationRefusedException.Reason.CONTEXT_LENGTH_EXCEEDED,
          "the prompt has "
              + prompt.length
              + " tokens, which leaves no room for an answer in the context of "
              + model.contextLength()
              + "; shorten it");
    }
    new ChoiceRoom(model.contextLength(), prompt.length)
        .require(request.choices().count(), request.maxTokens());
    return engine.submit(request, listener);
  }

  private static GenerationRefusedException refused(String message) {
    return new GenerationRefusedException(GenerationRefusedException.Reason.INVALID, message);
  }
}
