package org.kithlm.node.control;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class JoinTokenTest {
  private static final JoinToken TOKEN = JoinToken.of("a shared secret");

  @Test
  void shouldAcceptTheProofOfTheSameSecretOnly() {
    String proof = TOKEN.proof("nonce", "name", "host");
    assertTrue(TOKEN.verifies(proof, "nonce", "name", "host"));
    assertFalse(JoinToken.create().verifies(proof, "nonce", "name", "host"));
    assertFalse(TOKEN.verifies(proof, "other", "name", "host"));
    assertFalse(TOKEN.verifies(proof, "nonce", "other", "host"));
    assertFalse(TOKEN.verifies(proof, "nonce", "name", "other"));
    assertFalse(TOKEN.verifies("", "nonce", "name", "host"));
  }

  @Test
  void shouldTellFieldsApart() {
    assertNotEquals(TOKEN.proof("n", "ab", "c"), TOKEN.proof("n", "a", "bc"));
  }

  @Test
  void shouldRefuseAShortSecret() {
    assertThrows(IllegalArgumentException.class, () -> JoinToken.of("short"));
  }
}
