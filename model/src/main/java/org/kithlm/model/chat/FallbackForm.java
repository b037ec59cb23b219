package org.kithlm.model.chat;

import java.util.List;
import org.kithlm.model.chat.jinja.Template;

/** Turn formats for model files without a usable template, known by their special tokens. */
enum FallbackForm {
  /** Gemma: no system role, so a system message leads the first user turn. */
  GEMMA(
      "<start_of_turn>",
      """
      {%- set system = '' %}
      {%- if messages and messages[0].role == 'system' %}
        {%- set system = (messages[0].content or '') | trim ~ '\\n\\n' %}
        {%- set messages = messages[1:] %}
      {%- endif %}
      {%- for message in messages %}
        {{- '<start_of_turn>' ~ ('model' if message.role == 'assistant' else 'user') ~ '\\n' }}
        {{- (system if loop.first else '') ~ (message.content or '') | trim }}
        {{- '<end_of_turn>\\n' }}
      {%- endfor %}
      {%- if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}\
      """),
  /** ChatML. */
  CHATML(
      "<|im_start|>",
      """
      {%- for message in messages %}
        {{- '<|im_start|>' ~ message.role ~ '\\n' ~ (message.content or '') ~ '<|im_end|>\\n' }}
      {%- endfor %}
      {%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}\
      """),
  /** Llama 3. */
  LLAMA3(
      "<|start_header_id|>",
      """
      {%- for message in messages %}
        {{- '<|start_header_id|>' ~ message.role ~ '<|end_header_id|>\\n\\n' }}
        {{- (message.content or '') | trim ~ '<|eot_id|>' }}
      {%- endfor %}
      {%- if add_generation_prompt %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
      {%- endif %}\
      """),
  /** Lines of {@code role: content}, for models that know no turns. */
  PLAIN(
      "",
      """
      {%- for message in messages %}
        {{- message.role ~ ': ' ~ (message.content or '') ~ '\\n' }}
      {%- endfor %}
      {%- if add_generation_prompt %}{{ 'assistant:' }}{% endif %}\
      """);

  private static final String NO_TOOLS =
      "{%- if tools %}{{ raise_exception('this model file has no usable chat template, so it"
          + " cannot be told about tools') }}{% endif %}";

  private final String token;
  private final String source;

  FallbackForm(String token, String source) {
    this.token = token;
    this.source = source;
  }

  /** The first form whose turns open with a token of a vocabulary. */
  static FallbackForm of(List<String> vocabulary) {
    for (FallbackForm form : values()) {
      if (vocabulary.contains(form.token)) {
        return form;
      }
    }
    return PLAIN;
  }

  Template template() {
    return Template.parse(NO_TOOLS + source);
  }
}
