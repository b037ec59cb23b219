package org.kithlm.deploy.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.KithHome;
import org.kithlm.deploy.cluster.ClusterHome;
import org.kithlm.node.security.JoinToken;

class TokenCommandTest {
  @TempDir Path home;

  private final StringWriter errors = new StringWriter();

  /** Runs a command that must end with a code; the result is its answer. */
  private String run(int exitCode, String... args) {
    StringWriter answer = new StringWriter();
    int code =
        Kith.run(
            List.of(args),
            Map.of("KITH_HOME", home.toString()),
            new PrintWriter(answer, true),
            new PrintWriter(errors, true));
    assertEquals(exitCode, code, errors::toString);
    return answer.toString();
  }

  @Test
  void shouldMakeAndTakeBackTokensOfTheLastCluster() throws Exception {
    ClusterHome cluster = new ClusterHome(new KithHome(home));
    cluster.keepAddress("192.168.1.10", 11502);

    String line = run(0, "token", "create", "--ttl", "12h").strip();

    JoinToken token = JoinToken.parse(line.substring("kith join ".length()));
    assertEquals("192.168.1.10", token.host());
    assertEquals(cluster.books().authority().fingerprint(), token.fingerprint());
    Path kept = home.resolve("cluster").resolve("tokens.json");
    assertFalse(Files.readString(kept).contains(token.secret()));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(kept)));
    String row = run(0, "token", "list").lines().skip(1).findFirst().orElseThrow();
    assertTrue(row.contains(" valid "), row);

    run(0, "token", "revoke", row.split(" ", 2)[0]);
    String json = run(0, "token", "list", "--json");
    assertTrue(json.contains("\"state\":\"REVOKED\""), json);
  }

  @Test
  void shouldRefuseAClusterThatNeverWas() {
    run(3, "token", "create");

    assertTrue(errors.toString().contains("start one with kith up MODEL"), errors::toString);
  }

  @Test
  void shouldRefuseWhatItDoesNotKnow() {
    run(2, "token");
    run(2, "token", "create", "--ttl", "soon");
    run(2, "token", "revoke", "0badcafe");
    run(2, "node", "rm", "laptop");

    for (String reason :
        List.of(
            "missing command: one of create, list, revoke",
            "'soon' is not a time such as 30m, 12h or 7d",
            "there is no join token '0badcafe'; see kith token list",
            "no device 'laptop' has joined; see kith node list")) {
      assertTrue(errors.toString().contains(reason), errors::toString);
    }
  }
}
