package org.kithlm.deploy.chat;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jline.terminal.Terminal;
import org.jline.terminal.impl.ExternalTerminal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A chat with keys pressed as at a terminal, before a scripted endpoint. */
class TerminalSourceTest {
  private static final String ENTER = "\r";
  private static final String CTRL_C = "\u0003";
  private static final String CTRL_D = "\u0004";
  private static final String CTRL_P = "\u0010"; // the line before, as the arrow does
  private static final long TIMEOUT_SECONDS = 20;
  private static final long LOOK_NS = 5_000_000;

  private static final String HELLO =
      """
      data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

      data: {"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}

      """;
  private static final String END =
      """
      data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

      data: [DONE]

      """;

  @TempDir private Path folder;
  private final PipedOutputStream keys = new PipedOutputStream();
  private final ByteArrayOutputStream screen = new ByteArrayOutputStream();
  private Terminal terminal;
  private CompletableFuture<Void> chat = CompletableFuture.completedFuture(null);

  @BeforeEach
  void open() throws IOException {
    terminal = new ExternalTerminal("test", "xterm", new PipedInputStream(keys), screen, UTF_8);
  }

  @AfterEach
  void close() throws IOException {
    terminal.close();
  }

  private void chat(ScriptedServer server) {
    chat =
        CompletableFuture.runAsync(
            () -> {
              try (ChatClient client = new ChatClient(server.url(), null, null);
                  MessageSource source =
                      new TerminalSource(terminal, folder.resolve("history"), ChatRepl.COMMANDS)) {
                new ChatRepl(client, source).run();
              } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
              }
            },
            // Not the common pool, which has one thread on two cores: the HTTP client needs it.
            task -> Thread.ofPlatform().daemon().start(task));
  }

  private void press(String text) throws IOException {
    keys.write(text.getBytes(UTF_8));
    keys.flush();
  }

  private void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + Duration.ofSeconds(TIMEOUT_SECONDS).toNanos();
    while (!condition.getAsBoolean()) {
      if (chat.isCompletedExceptionally()) {
        chat.join(); // says why
      }
      assertTrue(System.nanoTime() < deadline, () -> "it shows " + screen.toString(UTF_8));
      LockSupport.parkNanos(LOOK_NS);
    }
  }

  private void awaitShown(String text) {
    await(() -> screen.toString(UTF_8).contains(text));
  }

  private void end() throws Exception {
    chat.get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
  }

  @Test
  void shouldStopOnlyTheAnswerOnCtrlC() throws Exception {
    try (ScriptedServer server =
        new ScriptedServer(
            ScriptedServer.MODELS,
            ScriptedServer.openStream(HELLO) + ScriptedServer.HELD,
            ScriptedServer.stream(HELLO + END))) {
      chat(server);
      press("one" + ENTER);
      awaitShown("Hello");

      press(CTRL_C);
      awaitShown("[stopped]");
      press("two" + ENTER);
      awaitShown("[first token after ");
      press(CTRL_D);
      end();

      String two = server.requests.get(2);
      assertTrue(two.contains("\"content\":\"one\""), two);
      assertTrue(two.contains("\"content\":\"Hello\""), two); // what was said before the stop
      assertTrue(two.contains("\"content\":\"two\""), two);
    }
  }

  @Test
  void shouldDropWhatIsBeingTypedOnCtrlC() throws Exception {
    try (ScriptedServer server =
        new ScriptedServer(ScriptedServer.MODELS, ScriptedServer.stream(HELLO + END))) {
      chat(server);
      awaitShown("> ");
      press("wrong\\" + ENTER + "more");
      awaitShown("more");
      int shown = screen.toString(UTF_8).length();
      press(CTRL_C);
      await(() -> screen.toString(UTF_8).substring(shown).contains("> "));
      press("right" + ENTER);
      awaitShown("[first token after ");
      press("/exit" + ENTER);
      end();

      assertTrue(
          server.requests.get(1).contains("[{\"role\":\"user\",\"content\":\"right\"}]"),
          server.requests.get(1));
    }
  }

  @Test
  void shouldTakeSeveralLinesAndRememberThem() throws Exception {
    String answer = ScriptedServer.stream(HELLO + END);
    try (ScriptedServer server = new ScriptedServer(ScriptedServer.MODELS, answer, answer)) {
      chat(server);
      press("\"\"\"" + ENTER + "one" + ENTER + "it's two!!" + ENTER + "\"\"\"" + ENTER);
      awaitShown("[first token after ");
      press("/clear" + ENTER + CTRL_P + CTRL_P + ENTER);
      await(() -> server.requests.size() == 3);
      press("/exit" + ENTER);
      end();

      assertTrue(
          server.requests.get(1).contains("\"content\":\"one\\nit's two!!\""),
          server.requests.get(1));
      assertEquals(
          server.requests.get(1).replaceAll("(?s).*\n\n?\\{", "{"),
          server.requests.get(2).replaceAll("(?s).*\n\n?\\{", "{"));
      assertTrue(Files.readString(folder.resolve("history")).contains("it's two!!"));
    }
  }

  @Test
  void shouldObeyItsCommands() throws Exception {
    String answer = ScriptedServer.stream(HELLO + END);
    try (ScriptedServer server =
        new ScriptedServer(ScriptedServer.MODELS, answer, answer, answer)) {
      chat(server);
      press("/system Be brief" + ENTER + "/temperature 0.5" + ENTER + "one" + ENTER);
      await(() -> server.requests.size() == 2);
      press("/retry" + ENTER + "/nothing" + ENTER + "/temperature hot" + ENTER + "/help" + ENTER);
      awaitShown("there is no /nothing");
      awaitShown("hot is not a number");
      awaitShown("forget the conversation");
      press("/system" + ENTER + "/temperature" + ENTER + "/clear" + ENTER + "two" + ENTER);
      await(() -> server.requests.size() == 4);
      press("/exit" + ENTER);
      end();

      String system = "[{\"role\":\"system\",\"content\":\"Be brief\"},";
      String one = server.requests.get(1);
      assertTrue(one.contains(system + "{\"role\":\"user\",\"content\":\"one\"}]"), one);
      assertTrue(one.contains("\"temperature\":0.5"), one);
      assertTrue(server.requests.get(2).endsWith(one.substring(one.indexOf('{'))));
      String two = server.requests.get(3);
      assertTrue(two.contains("[{\"role\":\"user\",\"content\":\"two\"}]"), two);
      assertTrue(!two.contains("temperature"), two);
    }
  }
}
