package org.kithlm.deploy.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.coordinator.membership.ClusterView.NodeView;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.KithHome;
import org.kithlm.deploy.cluster.StateFile;
import org.kithlm.node.control.KeptWeights;

/** {@code kith ps} and {@code top} beside a server that tells what a test has it tell. */
class PsCommandTest {
  private static final String KEY = "s3cret";

  @TempDir Path home;

  private final StringWriter errors = new StringWriter();
  private HttpServer server;

  @BeforeEach
  void serve() throws Exception {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/api/kith/cluster",
        exchange -> {
          boolean may =
              ("Bearer " + KEY).equals(exchange.getRequestHeaders().getFirst("Authorization"));
          byte[] answer =
              """
              {"model": "m", "queued": 2,
               "generation": {"state": "running", "completion_tokens": 7, "tokens_per_second": 12.5},
               "nodes": [
                 {"rank": 0, "used": null},
                 {"rank": 1, "used": {"pid": 7, "rss_bytes": 321000000, "rss_peak_bytes": 400000000,
                   "weights_resident_bytes": 50000000, "weights_streamed_bytes": 1000000,
                   "compute_ms": 70, "collective_ms": 20, "disk_wait_ms": 10, "answer_ms": 3.25}}]}
              """
                  .getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(may ? 200 : 401, may ? answer.length : -1);
          if (may) {
            exchange.getResponseBody().write(answer);
          }
          exchange.close();
        });
    server.start();
    long pid = ProcessHandle.current().pid();
    new StateFile(new KithHome(home))
        .write(
            new StateFile.State(
                "http://127.0.0.1:" + server.getAddress().getPort(),
                "m",
                "ready",
                1,
                List.of(
                    new NodeView(
                        0, "desk", pid, "10.0.0.1", "ready", 0.75, null, 1, null, null, null),
                    new NodeView(
                        1,
                        "laptop",
                        7,
                        "10.0.0.2",
                        "ready",
                        0.25,
                        "1.00 GB/s of weights",
                        1,
                        "the disk is full",
                        null,
                        new KeptWeights(30_000_000, 50_000_000, "48 MiB are missing"))),
                null,
                "split: replicating saves 10 sums"));
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

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

  private static void assertShows(String table) {
    for (String part :
        List.of(
            "answer running: 7 tokens, 12.5 tokens/s; 2 more wait",
            "75.0 %",
            "25.0 %",
            "50.0 MB",
            "1.0 MB",
            "321.0 MB",
            "3.3 ms",
            "70/20/10 %",
            "1.00 GB/s of weights",
            "the disk is full",
            "attention: split: replicating saves 10 sums",
            "keeps 30.0 MB of 50.0 MB on its disk, for this plan and others; 48 MiB are missing")) {
      assertTrue(table.contains(part), () -> part + " in " + table);
    }
  }

  @Test
  void shouldShowWhatEachNodeUsesAndWhy() {
    assertShows(run(0, "ps", "--api-key", KEY));
  }

  @Test
  void shouldShowTheRestWithoutTheKey() {
    String table = run(0, "ps", "--api-key", "wrong");
    assertTrue(table.contains("no figures of ranks: the server wants its API key"), table);
    assertTrue(table.contains("laptop"), table);
  }

  @Test
  void shouldTellProgramsWhatRanksUse() throws Exception {
    String json = run(0, "ps", "--json", "--api-key", KEY);
    assertEquals(321_000_000, Json.MAPPER.readTree(json).at("/used/1/rss_bytes").asLong(), json);
    assertEquals("laptop", Json.MAPPER.readTree(json).at("/nodes/1/name").asText(), json);
  }

  @Test
  void shouldLookAgainAndAgain() {
    String screens = run(0, "top", "--interval", "1s", "--looks", "2", "--api-key", KEY);
    String[] tables = screens.split("\033\\[H\033\\[2J", -1);
    assertEquals(3, tables.length, screens); // nothing before the first
    assertShows(tables[1]);
    assertTrue(tables[2].contains("laptop"), screens);
  }

  @Test
  void shouldTellWhenNoClusterIsLedFromHere() throws Exception {
    new StateFile(new KithHome(home)).delete();
    run(3, "ps");
    run(3, "top");
    assertTrue(errors.toString().contains("no cluster is led from here"), errors::toString);
  }
}
