package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.kithlm.coordinator.browser.Chromium;
import org.kithlm.coordinator.browser.Tab;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.GenerationRefusedException.Reason;
import org.kithlm.coordinator.generation.GenerationTiming;

/** The page in a real Chromium, with a scripted engine. */
@Tag("browser")
class PageIT {
  private static final String ANSWER = ".assistant .markdown";
  private static final String LAST_ANSWER = "article:last-child .markdown";

  private static Chromium browser;

  private final TestEndpoint endpoint = new TestEndpoint();
  private Tab tab;

  @BeforeAll
  static void startBrowser() throws IOException {
    browser = Chromium.start();
  }

  @AfterAll
  static void stopBrowser() throws IOException {
    if (browser != null) {
      browser.close();
    }
  }

  @BeforeEach
  void open() {
    endpoint.cluster.serve("desk", "attic");
    tab = browser.newTab();
    tab.open(endpoint.uri("/").toString());
    tab.awaitText("#status", "ready · 2 nodes");
  }

  @AfterEach
  void stop() {
    endpoint.close();
  }

  private void assertNoProblems() {
    assertEquals(List.of(), tab.problems());
    for (String request : tab.requests()) {
      assertTrue(request.startsWith(endpoint.uri("/").toString()), request);
    }
  }

  private void ask(String text) {
    tab.click("#message");
    tab.type(text);
    tab.press("Enter");
  }

  private String prompt() throws InterruptedException {
    StringBuilder text = new StringBuilder();
    for (int token : endpoint.service.nextRun().request.prompt()) {
      text.append((char) token);
    }
    return text.toString();
  }

  @Test
  void shouldStreamAnAnswer() {
    CountDownLatch more = new CountDownLatch(1);
    endpoint.service.script =
        run -> {
          run.say("**Red**, blue");
          more.await();
          run.say(" and `yellow`.").finish(FinishReason.STOP);
        };

    ask("Name three colours.");

    tab.awaitText(ANSWER, "Red, blue");
    assertEquals(1, tab.count(".assistant[aria-busy=true] strong"));
    assertEquals(1, tab.count("#stop:not([hidden])"));
    more.countDown();
    tab.await("document.querySelector('.assistant').ariaBusy === 'false'");
    assertEquals("Red, blue and yellow.", tab.text(ANSWER));
    assertTrue(tab.text(".assistant footer").contains("27 tokens · first token after"));
    tab.await("document.querySelector('#announcer').textContent.includes('Red, blue and yellow')");
    assertEquals(0, tab.count("#stop:not([hidden])"));
    assertNoProblems();
  }

  @Test
  void shouldStopTheCluster() throws Exception {
    endpoint.service.script =
        run -> {
          run.say("One, two");
          run.awaitCancel();
        };
    ask("Count.");
    tab.awaitText(ANSWER, "One, two");

    tab.click("#stop");

    assertTrue(endpoint.service.nextRun().wasCancelled());
    tab.awaitText(".assistant footer", "stopped");
    assertEquals("One, two", tab.text(ANSWER));
    assertNoProblems();
  }

  @Test
  void shouldWorkWithKeysAlone() throws Exception {
    endpoint.service.script = FakeChatService.Run::awaitCancel;
    tab.type("First");
    tab.press("Enter");
    FakeChatService.Run first = endpoint.service.nextRun();
    tab.awaitText(".waiting", "Reading the prompt");

    tab.press("Escape");

    assertTrue(first.wasCancelled());
    tab.await("document.querySelector('#stop').hidden");
    endpoint.service.script = run -> run.say("Done").finish(FinishReason.STOP);
    tab.evaluate("document.querySelector('#message').focus()");
    tab.press("ArrowUp");
    tab.type(" and second");
    tab.press("Enter");
    tab.awaitText(ANSWER, "Done");
    assertEquals("user=First and second;", prompt());
    assertNoProblems();
  }

  @Test
  void shouldKeepTheHistoryOverAReload() throws Exception {
    ask("Hi there");
    tab.awaitText(".assistant footer", "tokens");
    tab.reload();

    tab.awaitText(ANSWER, "Hello");
    assertEquals("Hi there", tab.text(".user .text"));
    assertEquals("Hi there", tab.text("#chat-list .open[aria-current]"));
    endpoint.service.nextRun();
    ask("Again");
    tab.await("document.querySelectorAll('.assistant footer .tools button').length >= 2");
    assertEquals("user=Hi there;assistant=Hello;user=Again;", prompt());

    tab.click("#new-chat");
    tab.awaitText("#messages", "What is on your mind?");
    tab.click("#chat-list .open");
    tab.awaitText(".user .text", "Hi there");
    assertNoProblems();
  }

  @Test
  void shouldNotBringADeletedChatBack() throws Exception {
    endpoint.service.script = FakeChatService.Run::awaitCancel;
    ask("Forget this");
    FakeChatService.Run run = endpoint.service.nextRun();

    tab.click("#chat-list .remove");

    assertTrue(run.wasCancelled());
    tab.awaitText("#messages", "What is on your mind?");
    tab.await("document.querySelector('#stop').hidden");
    assertEquals(0, tab.count("#chat-list li"));
    assertFalse(tab.evaluate("JSON.stringify(localStorage)").asText().contains("Forget"));
    assertNoProblems();
  }

  @Test
  void shouldBoundTheHistory() {
    tab.evaluate(
        """
        for (let i = 0; i < 60; i++) {
          const messages = [{role: 'user', content: 'x'.repeat(60000)}];
          localStorage.setItem('kith.chat.' + i,
            JSON.stringify({id: String(i), title: 'T' + i, updated: i, messages}));
        }
        """);
    ask("One more");

    tab.await("document.querySelectorAll('#chat-list li').length <= 50");
    tab.awaitText("#chat-list li:first-child", "One more");
    long length =
        tab.evaluate("Object.values(localStorage).reduce((sum, v) => sum + v.length, 0)").asLong();
    assertTrue(length < 2_001_000, length + " units");
    assertEquals(0, tab.evaluate("localStorage['kith.chat.0']?.length ?? 0").asInt());
    assertNoProblems();
  }

  @Test
  void shouldNotRunWhatAModelWrites() {
    String hostile =
        """
        <img src=x onerror="window.hacked=1"> <script>window.hacked=2</script>

        <svg onload="window.hacked=3"><iframe srcdoc="<script>top.hacked=4</script>"></iframe>

        [a](javascript:window.hacked=5) [b](JaVaScRiPt:window.hacked=6) [c](  data:text/html,x)
        [d](&#106;avascript:window.hacked=7) ![e](javascript:window.hacked=8) <javascript:hacked=9>
        [f](https://example.org/"onmouseover="window.hacked=10) [g](//example.org/h)

        | <img src=x onerror="window.hacked=11"> | b |
        |---|---|
        | <script>window.hacked=12</script> | `<script>window.hacked=13</script>` |

        > # <script>window.hacked=14</script>

        ```html"><script>window.hacked=15</script>
        <script>window.hacked=16</script><img src=x onerror="window.hacked=17">
        </code></pre><script>window.hacked=18</script>
        """;
    endpoint.service.script = run -> run.token(1, hostile).finish(FinishReason.STOP);

    ask("<img src=x onerror='window.hacked=19'>");

    tab.awaitText(".assistant footer", "token");
    tab.evaluate("document.querySelectorAll('.markdown a').forEach((a) => a.click())");
    assertEquals("undefined", tab.evaluate("typeof window.hacked").asText());
    assertEquals(0, tab.count("#messages :is(img, script, svg, iframe, [onerror], [onmouseover])"));
    assertEquals(0, tab.count("#messages a:not([href^='https://example.org/'])"));
    assertTrue(tab.text("article:first-child .text").contains("<img src=x onerror="));
    assertTrue(
        tab.text(".markdown pre").contains("</code></pre><script>window.hacked=18</script>"));
    tab.reload();
    tab.awaitText(ANSWER, "<script>window.hacked=2</script>");
    assertEquals("undefined", tab.evaluate("typeof window.hacked").asText());
    assertNoProblems();
  }

  @Test
  void shouldRefuseMarkupEvenFromAFaultOfOurs() {
    String refusal =
        tab.evaluate(
                "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'done' }"
                    + " catch (e) { return e.name } })()")
            .asText();

    assertEquals("TypeError", refusal);
  }

  @Test
  void shouldShowMarkdown() {
    String text =
        """
        ## Steps

        1. First
           - inner *one*
           - inner two
        2. Second

        > quoted **words**

        | a | b |
        |---|---|
        | 1 | `x|y` |

        ```java
        int x = 1; // *not* emphasis
        ```

        See https://example.org/a_b_c. Snake_case_word, 2 * 3 * 4, ***both***.
        """;
    endpoint.service.script = run -> run.token(1, text).finish(FinishReason.STOP);

    ask("Show me");

    tab.awaitText(".assistant footer", "token");
    assertEquals("Steps", tab.text(".markdown h4"));
    assertEquals(2, tab.count(".markdown > ol > li"));
    assertEquals(2, tab.count(".markdown > ol > li > ul > li"));
    assertEquals("one", tab.text(".markdown li em"));
    assertEquals("words", tab.text(".markdown blockquote strong"));
    assertEquals("int x = 1; // *not* emphasis", tab.text(".markdown pre code"));
    assertTrue(tab.text(".markdown figcaption").contains("java"));
    assertEquals("https://example.org/a_b_c", tab.text(".markdown p a"));
    assertTrue(tab.text(LAST_ANSWER).contains("Snake_case_word, 2 * 3 * 4, both."));
    assertEquals("both", tab.text(".markdown strong em"));
    assertNoProblems();
  }

  @Test
  void shouldRegenerateAndEdit() throws Exception {
    ask("Hi");
    tab.awaitText(".assistant footer", "tokens");
    assertEquals("user=Hi;", prompt());

    endpoint.service.script = run -> run.say("Other").finish(FinishReason.STOP);
    tab.click(".assistant .tools button:last-child");
    tab.awaitText(ANSWER, "Other");
    assertEquals("user=Hi;", prompt());
    tab.await("document.querySelector('#stop').hidden");

    endpoint.service.script = run -> run.say("Third").finish(FinishReason.STOP);
    tab.click(".user .tools button");
    tab.evaluate("document.querySelector('.user textarea').select()");
    tab.type("Bye");
    tab.press("Enter");
    tab.awaitText(ANSWER, "Third");
    assertEquals("user=Bye;", prompt());
    assertEquals(2, tab.count("article"));
    assertNoProblems();
  }

  @Test
  void shouldSendTheSettings() throws Exception {
    tab.click("#settings");
    tab.click("#system");
    tab.type("Be brief");
    tab.click("#temperature");
    tab.type("0.5");
    tab.click("#max-tokens");
    tab.type("7");
    tab.press("Enter");
    tab.await("!document.querySelector('#settings-dialog').open");
    tab.reload();

    ask("Hi");

    FakeChatService.Run run = endpoint.service.nextRun();
    assertEquals(0.5, run.request.sampling().temperature(), 1e-6);
    assertEquals(7, run.request.maxTokens());
    assertTrue(run.request.prompt().length > "user=Hi;".length());
    assertNoProblems();
  }

  @Test
  void shouldShowWhatTheApiRefuses() throws Exception {
    ask("x".repeat(2000));
    tab.awaitText(".assistant .error", "prompt=2006 context=1000");

    endpoint.service.refusal = Reason.QUEUE_FULL;
    tab.click("#new-chat");
    ask("Hi");
    tab.awaitText(".assistant .error", "refused as QUEUE_FULL");
    endpoint.service.refusal = null;
    tab.click(".error button");
    tab.awaitText(ANSWER, "Hello");
    assertEquals(0, tab.count(".error:not([hidden])"));
    assertEquals("user=Hi;", prompt());
  }

  @Test
  void shouldShowThatANodeIsLostWithinAnAnswer() {
    endpoint.service.script = run -> run.say("Half an ans").fail("lost rank 1 (attic, 10.0.0.2)");

    ask("Hi");

    tab.awaitText(".assistant .error", "lost rank 1 (attic, 10.0.0.2)");
    assertEquals("Half an ans", tab.text(ANSWER));
    tab.reload();
    tab.awaitText(".assistant .error", "lost rank 1 (attic, 10.0.0.2)");
    assertEquals("Half an ans", tab.text(ANSWER));
  }

  @Test
  void shouldShowAKilledNode() {
    endpoint.cluster.generate(GenerationTiming.State.DECODE, 96, 1);
    tab.click("#tab-cluster");
    tab.await("document.querySelectorAll('.node[data-state=ready]').length === 2");
    tab.awaitText("[data-name=attic]", "50 %");
    tab.awaitText("#cluster", "17.4 tokens/s");
    tab.awaitText("#cluster", "network 172 ms");
    tab.awaitText("#cluster", "1 request waiting");
    tab.awaitText("#cluster", "Plan 7");
    tab.awaitText(
        "#cluster", "Sums: direct in decode, two-shot in prefill, as links were measured");
    tab.awaitText("[data-name=attic] .reason", "12.5 GB/s of weights in memory");

    endpoint.cluster.serve("desk");

    tab.awaitText("[data-name=attic][data-state=lost]", "Its process is gone");
    tab.awaitText("#status", "1 lost");
    tab.awaitText("[data-name=desk]", "100 %");
    tab.awaitText("#cluster", "One device does it all.");
    assertNoProblems();
  }

  @Test
  void shouldSayThatTheEndpointIsGone() {
    tab.click("#tab-cluster");
    tab.await("document.querySelectorAll('.node').length === 2");

    endpoint
        .endpoint
        .stop(Duration.ZERO)
        .toCompletableFuture()
        .orTimeout(20, TimeUnit.SECONDS)
        .join();

    tab.awaitText("#cluster .error", "The endpoint does not answer.");
    tab.awaitText("#status", "not reachable");
    assertEquals(2, tab.count(".node"));
  }

  @Test
  void shouldAskForTheKey() throws Exception {
    try (TestEndpoint guarded =
        new TestEndpoint(
            TestEndpoint.settings(
                "s3cret", Set.of(), TestEndpoint.limits(Duration.ofSeconds(60), 4096)))) {
      guarded.cluster.serve("desk");
      Tab other = browser.newTab();
      other.open(guarded.uri("/").toString());
      other.awaitText("#key-dialog[open]", "This endpoint needs an API key.");
      other.type("wrong");
      other.press("Enter");
      other.awaitText("#key-dialog[open]", "the API key is wrong");
      other.type("s3cret");
      other.press("Enter");
      other.awaitText("#status", "ready · 1 node");
      assertFalse(other.evaluate("JSON.stringify(localStorage)").asText().contains("s3cret"));
      other.reload();
      other.awaitText("#status", "ready · 1 node");
    }
  }

  @Test
  void shouldFollowTheSystemsColoursUntilTheUserChooses() {
    String ground = "getComputedStyle(document.body).backgroundColor";
    tab.preferDark(false);
    tab.await(ground + " === 'rgb(250, 249, 247)'");
    tab.preferDark(true);
    tab.await(ground + " === 'rgb(20, 24, 26)'");

    tab.click("#theme");

    tab.await(ground + " === 'rgb(250, 249, 247)'");
    tab.reload();
    tab.await(ground + " === 'rgb(250, 249, 247)'");
    assertNoProblems();
  }

  @Test
  void shouldFitAPhone() {
    tab.viewport(360, 740);
    endpoint.service.script =
        run ->
            run.token(1, "```\n" + "long ".repeat(60) + "\n```\n" + "w".repeat(300))
                .finish(FinishReason.STOP);
    ask("Hi " + "x".repeat(200));
    tab.awaitText(".assistant footer", "token");
    String wide = "document.documentElement.scrollWidth";
    assertEquals(360, tab.evaluate(wide).asInt());

    tab.click("#menu");
    tab.click("#new-chat");
    tab.awaitText("#messages", "What is on your mind?");
    tab.click("#tab-cluster");
    tab.await("document.querySelectorAll('.node').length === 2");
    assertEquals(360, tab.evaluate(wide).asInt());
    assertNoProblems();
  }

  @Test
  void shouldLabelWhatScreenReadersMeet() {
    ask("Hi");
    tab.awaitText(".assistant footer", "tokens");

    int unnamed =
        tab.evaluate(
                "[...document.querySelectorAll('button, a, textarea, input')].filter((e) =>"
                    + " !(e.innerText || e.textContent || e.ariaLabel || e.labels?.length)).length")
            .asInt();

    assertEquals(0, unnamed);
    assertEquals(1, tab.count("html[lang=en]"));
    assertEquals(1, tab.count("[aria-live=polite][aria-label=Answer]"));
    assertEquals(1, tab.count("article[aria-label=You]"));
    assertEquals(1, tab.count("article[aria-label=Answer]"));
  }
}
