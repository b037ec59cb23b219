package org.kithlm.model.chat;

import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.chat.jinja.JinjaException;
import org.kithlm.model.chat.jinja.Template;
import org.kithlm.model.chat.jinja.Text;
import org.kithlm.model.constraint.ToolCallForm;
import org.kithlm.model.gguf.GgufMetadata;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The chat template of a model file, rendered as Hugging Face transformers renders it: variables
 * messages, tools (none where there are none), documents (none), add_generation_prompt, bos_token,
 * eos_token. A file without a usable template gets the form its special tokens suggest: Gemma's,
 * ChatML, Llama 3's, else lines of {@code role: content}; the reason is logged.
 *
 * <p>Text that came with a request must not be able to end a turn. So a rendering remembers for
 * each character who wrote it, see {@link #segments}: special tokens are to be looked for in
 * trusted segments only. What is between them is ordinary text whoever wrote it, and must be
 * tokenized as one run, as token borders may cross segments.
 *
 * <p>A template may write the BOS token itself; the caller then must not add another.
 */
public final class ChatTemplate {
  private static final Logger LOG = LoggerFactory.getLogger(ChatTemplate.class);
  private static final String KEY = "tokenizer.chat_template";

  private final Template template;
  private final Map<String, Object> tokens;
  private final Optional<String> fallbackReason;
  private final boolean knowsToolCalls;
  private final Clock clock;

  private ChatTemplate(
      Template template,
      Map<String, Object> tokens,
      Optional<String> fallbackReason,
      boolean knowsToolCalls,
      Clock clock) {
    this.template = template;
    this.tokens = tokens;
    this.fallbackReason = fallbackReason;
    this.knowsToolCalls = knowsToolCalls;
    this.clock = clock;
  }

  /** The template of a model file, or a fallback. */
  public static ChatTemplate from(GgufMetadata metadata) {
    return from(metadata, Clock.system(ZoneId.systemDefault()));
  }

  static ChatTemplate from(GgufMetadata metadata, Clock clock) {
    List<String> vocabulary =
        metadata.contains("tokenizer.ggml.tokens")
            ? metadata.strings("tokenizer.ggml.tokens")
            : List.of();
    Map<String, Object> tokens = new LinkedHashMap<>();
    for (String name : List.of("bos", "eos")) {
      int id = metadata.integer("tokenizer.ggml." + name + "_token_id", -1);
      if (id >= 0 && id < vocabulary.size()) {
        tokens.put(name + "_token", Text.own(vocabulary.get(id)));
      }
    }
    String reason = "the model file has no " + KEY;
    if (metadata.contains(KEY)) {
      try {
        String source = metadata.string(KEY);
        Template template = Template.parse(source);
        boolean knowsToolCalls = source.contains(ToolCallForm.MARKER) && source.contains("tools");
        return new ChatTemplate(template, tokens, Optional.empty(), knowsToolCalls, clock);
      } catch (JinjaException e) {
        reason = "the " + KEY + " of the model file cannot be used: " + e.getMessage();
      }
    }
    FallbackForm form = FallbackForm.of(vocabulary);
    LOG.warn("{}; using the {} form", reason, form);
    return new ChatTemplate(form.template(), tokens, Optional.of(reason), false, clock);
  }

  /** Why the file's own template is not used, if it is not. */
  public Optional<String> fallbackReason() {
    return fallbackReason;
  }

  /**
   * A prompt in which tools, their calls and results have the form of {@link ToolCallForm}: as it
   * is where the template writes that form itself, else with all of them as text of messages.
   */
  public ChatPrompt withToolCalls(ChatPrompt prompt) {
    return knowsToolCalls ? prompt : ToolText.of(prompt);
  }

  /**
   * The prompt as one string.
   *
   * @throws IllegalArgumentException if the template refuses the messages, with its own words, or
   *     fails, with the line and the cause
   */
  public String render(ChatPrompt prompt) {
    return text(prompt).toString();
  }

  /**
   * The prompt as segments by who wrote them; joined they equal {@link #render}. All strings of the
   * request are untrusted, names and tools included, and so is every string a template computes
   * from them by more than cutting, joining and replacing.
   *
   * @throws IllegalArgumentException as for {@link #render}
   */
  public List<PromptSegment> segments(ChatPrompt prompt) {
    List<PromptSegment> segments = new ArrayList<>();
    for (Text.Run run : text(prompt).runs()) {
      segments.add(new PromptSegment(run.text(), !run.foreign()));
    }
    return segments;
  }

  private Text text(ChatPrompt prompt) {
    Map<String, @Nullable Object> variables = new LinkedHashMap<>(tokens);
    variables.putAll(prompt.variables());
    variables.put("messages", prompt.messages().stream().map(ChatMessage::fields).toList());
    variables.put("tools", prompt.tools().isEmpty() ? null : prompt.tools());
    variables.put("documents", prompt.variables().get("documents"));
    variables.put("add_generation_prompt", prompt.addGenerationPrompt());
    return template.render(variables, LocalDateTime.now(clock));
  }
}
