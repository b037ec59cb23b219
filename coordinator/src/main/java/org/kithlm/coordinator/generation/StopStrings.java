package org.kithlm.coordinator.generation;

import java.util.List;

/**
 * Ends an answer at the first stop string and holds back text that may become one. One answer, one
 * thread.
 */
final class StopStrings {
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private boolean matched;

  StopStrings(List<String> stops) {
    this.stops = stops.stream().filter(stop -> !stop.isEmpty()).toList();
  }

  /** Adds text; returns what is certain to belong to the answer. */
  String accept(String text) {
    if (matched) {
      return "";
    }
    held.append(text);
    int end = firstMatch();
    if (end >= 0) {
      matched = true;
      return take(end);
    }
    return take(held.length() - possibleStopLength());
  }

  /** Whether a stop string was met. */
  boolean isMatched() {
    return matched;
  }

  /** The text still held, when no more will come. */
  String flush() {
    return matched ? "" : take(held.length());
  }

  private String take(int length) {
    String text = held.substring(0, length);
    held.delete(0, length);
    return text;
  }

  private int firstMatch() {
    int first = -1;
    for (String stop : stops) {
      int at = held.indexOf(stop);
      if (at >= 0 && (first < 0 || at < first)) {
        first = at;
      }
    }
    return first;
  }

  /** Length of the longest end of the held text that a stop string begins with. */
  private int possibleStopLength() {
    int longest = 0;
    for (String stop : stops) {
      for (int length = Math.min(stop.length() - 1, held.length()); length > longest; length--) {
        if (stop.startsWith(held.substring(held.length() - length))) {
          longest = length;
        }
      }
    }
    return longest;
  }
}
