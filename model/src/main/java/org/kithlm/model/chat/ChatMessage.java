package org.kithlm.model.chat;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A message of a chat.
 *
 * @param role system, user, assistant, tool
 * @param content its text; null where an assistant only calls tools
 * @param extra further fields as templates know them, such as tool_calls (a list of maps, their
 *     arguments as a map and not as JSON text), tool_call_id, name
 */
public record ChatMessage(String role, @Nullable String content, Map<String, Object> extra) {
  /** Copies the fields, keeping their order. */
  public ChatMessage {
    extra = Collections.unmodifiableMap(new LinkedHashMap<>(extra));
  }

  /** A message of plain text. */
  public ChatMessage(String role, String content) {
    this(role, content, Map.of());
  }

  /** The message as a template sees it. */
  Map<String, @Nullable Object> fields() {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("role", role);
    fields.put("content", content);
    fields.putAll(extra);
    return fields;
  }
}
