package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.kithlm.coordinator.generation.ChatService.Message;

class RecentTurnsTest {
  private static int length(List<Message> messages) {
    return messages.stream().mapToInt(message -> message.content().length()).sum();
  }

  private static List<Message> fitting(List<Message> messages, int room) {
    return new RecentTurns(messages).fitting(RecentTurnsTest::length, room);
  }

  /** A system message of two characters, then turns of two messages of one. */
  private static List<Message> chat(int turns) {
    List<Message> messages = new ArrayList<>(List.of(new Message("system", "ss")));
    for (int turn = 0; turn < turns; turn++) {
      messages.add(new Message("user", Character.toString('a' + turn)));
      messages.add(new Message("assistant", Character.toString('A' + turn)));
    }
    return messages;
  }

  private static String text(List<Message> messages) {
    return messages.stream().map(Message::content).collect(Collectors.joining());
  }

  @Test
  void shouldKeepAChatThatFits() {
    List<Message> chat = chat(3);
    assertSame(chat, fitting(chat, 8));
  }

  @Test
  void shouldLeaveOutTheOldestTurnsByFours() {
    assertEquals("sseEfFgG", text(fitting(chat(7), 15)));
    assertEquals("sseEfFgG", text(fitting(chat(7), 8)));
    assertEquals("ssgG", text(fitting(chat(7), 7)), "fewer than four turns are left");
  }

  @Test
  void shouldKeepTheLastTurnWhereNothingFits() {
    assertEquals("ssgG", text(fitting(chat(7), 1)));
    assertEquals("ssaA", text(fitting(chat(1), 1)));
  }

  @Test
  void shouldKeepCallsOfToolsBesideTheirResults() {
    List<Message> chat = chat(1);
    chat.add(new Message("user", "weather?"));
    chat.add(new Message("assistant", "call"));
    chat.add(new Message("tool", "rain"));
    chat.add(new Message("assistant", "It rains."));
    assertEquals("ssweather?callrainIt rains.", text(fitting(chat, 28)));
  }

  @Test
  void shouldKeepTheMostThatFits() {
    Random random = new Random(20261129);
    for (int i = 0; i < 200; i++) {
      List<Message> chat = chat(1 + random.nextInt(20));
      int room = 2 + random.nextInt(42);
      List<Message> kept = fitting(chat, room);
      int left = (chat.size() - kept.size()) / 2;
      assertTrue(left % 4 == 0 || kept.size() == 3, "left out " + left);
      assertTrue(length(kept) <= room || kept.size() == 3, "too long");
      assertTrue(left == 0 || length(kept) + 2 * (left - Math.max(0, (left - 1) / 4 * 4)) > room);
    }
  }
}
