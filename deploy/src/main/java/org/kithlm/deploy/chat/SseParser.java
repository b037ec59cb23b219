package org.kithlm.deploy.chat;

import java.util.Optional;

/** Puts lines together to server-sent events (WHATWG HTML, section 9.2.6). One thread. */
final class SseParser {
  /**
   * An event.
   *
   * @param type its name, "message" where it has none
   * @param data its data lines
   */
  record Event(String type, String data) {}

  private static final String DEFAULT_TYPE = "message";

  private final StringBuilder data = new StringBuilder();
  private String type = DEFAULT_TYPE;

  /** Takes a line without its end; gives the event that it completes. */
  Optional<Event> accept(String line) {
    if (line.isEmpty()) {
      return complete();
    }
    int colon = line.indexOf(':');
    String field = colon < 0 ? line : line.substring(0, colon);
    String value = colon < 0 ? "" : line.substring(colon + 1);
    value = value.startsWith(" ") ? value.substring(1) : value;
    // A line that starts with a colon is a comment: a field without name, like any unknown one.
    switch (field) {
      case "data" -> data.append(value).append('\n');
      case "event" -> type = value;
      default -> {}
    }
    return Optional.empty();
  }

  /** An event that was cut off before its blank line never completes. */
  private Optional<Event> complete() {
    Optional<Event> event =
        data.isEmpty()
            ? Optional.empty()
            : Optional.of(new Event(type, data.substring(0, data.length() - 1)));
    data.setLength(0);
    type = DEFAULT_TYPE;
    return event;
  }
}
