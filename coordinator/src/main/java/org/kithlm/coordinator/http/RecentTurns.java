package org.kithlm.coordinator.http;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;
import org.kithlm.coordinator.generation.ChatService.Message;

/**
 * Shortens a chat to what fits: the messages before the first of the user (the system's) and the
 * most recent turns. A turn is a message of the user and all up to the next one, so that calls of
 * tools stay beside their results.
 */
final class RecentTurns {
  /** Turns go by fours, so that several requests in a row begin alike, and run only what is new. */
  private static final int STEP = 4;

  private final List<Message> messages;
  private final List<Integer> starts = new ArrayList<>(); // of turns

  RecentTurns(List<Message> messages) {
    this.messages = messages;
    for (int i = 0; i < messages.size(); i++) {
      if (messages.get(i).role().equals("user")) {
        starts.add(i);
      }
    }
  }

  /**
   * The whole chat if it fits, otherwise the most of it that does; at least the last turn, whether
   * it fits or not.
   *
   * @param length length of messages in tokens; more messages are no shorter
   * @param room most tokens
   */
  List<Message> fitting(ToIntFunction<List<Message>> length, int room) {
    if (starts.size() < 2 || length.applyAsInt(messages) <= room) {
      return messages;
    }
    int last = starts.size() - 1;
    int tooFew = 0; // turns left out, in steps
    int enough = (last + STEP - 1) / STEP;
    while (enough - tooFew > 1) {
      int middle = (tooFew + enough) / 2;
      if (length.applyAsInt(without(middle * STEP)) <= room) {
        enough = middle;
      } else {
        tooFew = middle;
      }
    }
    return without(Math.min(last, enough * STEP));
  }

  private List<Message> without(int turns) {
    List<Message> kept = new ArrayList<>(messages.subList(0, starts.getFirst()));
    kept.addAll(messages.subList(starts.get(turns), messages.size()));
    return kept;
  }
}
