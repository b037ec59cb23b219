package org.kithlm.deploy.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class TypedTest {
  @Test
  void shouldGoOnAfterABackslash() {
    assertTrue(Typed.isOpen("one\\"));
    assertFalse(Typed.isOpen("one\\\ntwo"));
    assertEquals("one\ntwo", Typed.text("one\\\ntwo"));
  }

  @Test
  void shouldGoOnUntilTheQuotesEnd() {
    assertTrue(Typed.isOpen("\"\"\""));
    assertTrue(Typed.isOpen("\"\"\"one\n\"two\""));
    assertFalse(Typed.isOpen("\"\"\"\none\\\ntwo\n\"\"\""));
    assertEquals("one\\\ntwo", Typed.text("\"\"\"\none\\\ntwo\n\"\"\""));
    assertFalse(Typed.isOpen("\"\"\"one\"\"\""));
    assertEquals("one", Typed.text("\"\"\"one\"\"\""));
  }

  @Test
  void shouldTakeALineAsItIs() {
    for (String line : new String[] {"one", " it's \"fine\" ", "a\\b", ""}) {
      assertFalse(Typed.isOpen(line), line);
      assertEquals(line, Typed.text(line));
    }
  }
}
