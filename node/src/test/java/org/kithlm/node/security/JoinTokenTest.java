package org.kithlm.node.security;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JoinTokenTest {
  private static final String FINGERPRINT = "0123456789abcdef".repeat(4);
  private static final String SECRET = "0123456789abcdef".repeat(2);

  @ParameterizedTest
  @ValueSource(strings = {"192.168.1.10", "fd00::10", "desk.home.arpa"})
  void shouldReadWhatItWrites(String host) {
    JoinToken token = new JoinToken(host, 11502, FINGERPRINT, SECRET);

    assertEquals(token, JoinToken.parse(" " + token.text() + "\n"));
    assertFalse(token.toString().contains(SECRET));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "secret",
        "host:11502",
        "host:11502/" + "0/" + "0",
        "host:99999/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
            + "/0123456789abcdef0123456789abcdef",
        "a b:1/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
            + "/0123456789abcdef0123456789abcdef"
      })
  void shouldRefuseWhatIsNoToken(String text) {
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> JoinToken.parse(text));

    assertTrue(String.valueOf(refused.getMessage()).contains("HOST:PORT/FINGERPRINT/SECRET"));
  }

  @Test
  void shouldMakeSecretsThatDiffer() {
    assertFalse(JoinToken.newSecret().equals(JoinToken.newSecret()));
  }
}
