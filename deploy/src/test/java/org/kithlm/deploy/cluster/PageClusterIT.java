package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.kithlm.coordinator.browser.Chromium;
import org.kithlm.coordinator.browser.Tab;
import org.kithlm.deploy.Json;

/**
 * The page in a real Chromium before a real model on real processes. It leaves the screenshots of
 * docs/images in {@code deploy/target/page}.
 */
@Tag("browser")
@Tag("fault")
@Tag("model")
class PageClusterIT {
  private static final Path SCREENSHOTS =
      Path.of(System.getProperty("kith.project.dir"), "deploy", "target", "page");
  private static final long MAX_SCREENSHOT_BYTES = 150_000;
  private static final Duration PATIENCE = Duration.ofMinutes(3); // for a slow machine
  private static final String ANSWERED =
      "document.querySelector('article:last-child')?.ariaBusy === 'false'";

  private static void ask(Tab tab, String text) {
    tab.click("#message");
    tab.type(text);
    tab.press("Enter");
  }

  private static void screenshot(Tab tab, String name) throws IOException {
    Path file = SCREENSHOTS.resolve(name + ".png");
    tab.screenshot(file);
    assertTrue(Files.size(file) < MAX_SCREENSHOT_BYTES, file + ": " + Files.size(file));
  }

  @Test
  void shouldChatStopAndShowAKilledNode() throws Exception {
    TestModel model = TestModel.QWEN25.isProvided() ? TestModel.QWEN25 : TestModel.SMOLLM2;
    try (Chromium browser = Chromium.start()) {
      model.pull();
      String[] command = {
        "local", "-n", "3", model.catalogName, "--context", "2048", "--port", "0", "--json"
      };
      try (KithProcess cluster = KithProcess.start(TestModel.HOME, command)) {
        JsonNode ready = Json.MAPPER.readTree(cluster.awaitLine());
        Tab tab = browser.newTab();
        tab.patience(PATIENCE);
        tab.preferDark(false);
        tab.open(ready.get("endpoint").asText() + "/");
        tab.awaitText("#status", "ready · 3 nodes");
        chat(tab);
        stop(tab);
        kill(tab, ready.get("nodes").get(1).get("pid").asLong());
      }
    }
  }

  private static void chat(Tab tab) throws IOException {
    tab.click("#settings");
    tab.click("#temperature");
    tab.type("0");
    tab.press("Enter");
    ask(
        tab,
        "Show a Java record of a point, as code. Then list three facts about records, briefly.");
    tab.await("document.querySelector('article:last-child .markdown').innerText.length > 20");
    tab.await(ANSWERED);

    assertTrue(tab.text(".assistant footer").contains("tokens/s"), tab.text("#messages"));
    screenshot(tab, "chat-light");
    tab.preferDark(true);
    screenshot(tab, "chat-dark");
    tab.viewport(390, 780);
    screenshot(tab, "chat-phone");
    tab.viewport(1200, 800);
    tab.preferDark(false);
  }

  /** The next answer begins at once, so the cluster had stopped. */
  private static void stop(Tab tab) {
    ask(tab, "Count from one to five hundred in words.");
    tab.await("document.querySelector('article:last-child .markdown').innerText.length > 20");
    tab.click("#stop");
    tab.awaitText("article:last-child footer", "stopped");
    tab.click("#tab-cluster");
    tab.awaitText("#cluster", "No answer is being made.");
    tab.click("#tab-chat");
  }

  private static void kill(Tab tab, long pid) throws IOException {
    ask(tab, "Count from one to five hundred in words.");
    tab.await("document.querySelector('article:last-child .markdown').innerText.length > 20");
    tab.click("#tab-cluster");
    tab.awaitText("#cluster", "tokens so far");
    tab.awaitText("#cluster .node", "Time, now");
    screenshot(tab, "cluster");

    assertTrue(ProcessHandle.of(pid).orElseThrow().destroyForcibly());

    tab.awaitText(".node[data-state=lost]", "pid " + pid);
    assertEquals(List.of(), tab.problems());
    tab.awaitText("#status", "ready · 2 nodes, 1 lost");
    assertEquals(2, tab.count(".node[data-state=ready]"));
    tab.click("#tab-chat");
    String length = "document.querySelector('article:last-child .markdown').innerText.length";
    tab.await("(window.lengthThen ??= %s) + 20 < %s".formatted(length, length)); // it goes on
    assertEquals(0, tab.count("article:last-child .error:not([hidden])"));
    tab.click("#stop");
    tab.await(ANSWERED);
  }
}
