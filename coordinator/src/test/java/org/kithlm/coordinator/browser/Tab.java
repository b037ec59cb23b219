package org.kithlm.coordinator.browser;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** One tab: what a person does with it, what it shows, and what went wrong in it. */
public final class Tab {
  private static final long PAUSE_NS = TimeUnit.MILLISECONDS.toNanos(20);

  private final DevTools tools;
  private final String session;
  private final List<String> problems = new CopyOnWriteArrayList<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private long patienceNs = TimeUnit.SECONDS.toNanos(DevTools.TIMEOUT_SECONDS);

  Tab(DevTools tools, String session) {
    this.tools = tools;
    this.session = session;
    tools.listen(session, this::onEvent);
    for (String domain : new String[] {"Page", "Runtime", "Log", "Network"}) {
      send(domain + ".enable");
    }
    viewport(1200, 800);
  }

  private JsonNode send(String method, Object... parameters) {
    return tools.send(session, method, parameters);
  }

  private void onEvent(JsonNode event) {
    JsonNode details = event.path("params");
    switch (event.path("method").asText()) {
      case "Runtime.exceptionThrown" -> problems.add(details.path("exceptionDetails").toString());
      case "Runtime.consoleAPICalled" -> {
        if (!details.path("type").asText().equals("log")) {
          problems.add(details.toString());
        }
      }
      case "Log.entryAdded" -> problems.add(details.path("entry").toString());
      case "Page.javascriptDialogOpening" -> problems.add("dialog: " + details.path("message"));
      case "Network.requestWillBeSent" ->
          requests.add(details.path("request").path("url").asText());
      default -> {}
    }
  }

  /** Errors, warnings and dialogs so far. */
  public List<String> problems() {
    return List.copyOf(problems);
  }

  /** Addresses that were asked for. */
  public List<String> requests() {
    return List.copyOf(requests);
  }

  /** Waits longer, or shorter, from now on. */
  public void patience(Duration patience) {
    patienceNs = patience.toNanos();
  }

  /** Goes to an address. */
  public void open(String url) {
    send("Page.navigate", "url", url);
    await("document.readyState === 'complete' && location.href.startsWith('" + url + "')");
  }

  /** Loads the page again. */
  public void reload() {
    evaluate("window.old = true");
    send("Page.reload");
    await("!window.old && document.readyState === 'complete'");
  }

  /** The value of an expression, promises waited for. */
  public JsonNode evaluate(String expression) {
    JsonNode answer =
        send(
            "Runtime.evaluate",
            "expression",
            expression,
            "awaitPromise",
            true,
            "returnByValue",
            true);
    if (answer.has("exceptionDetails")) {
      throw new AssertionError(expression + ": " + answer.path("exceptionDetails"));
    }
    return answer.path("result").path("value");
  }

  /** Waits until an expression is true. */
  public void await(String condition) {
    long deadlineNs = System.nanoTime() + patienceNs;
    while (!evaluate("Boolean(" + condition + ")").asBoolean()) {
      if (System.nanoTime() - deadlineNs > 0) {
        throw new AssertionError(
            "never true: " + condition + "; the page shows: " + text("body") + " " + problems);
      }
      LockSupport.parkNanos(PAUSE_NS);
    }
  }

  /** Waits until an element shows a text. */
  public void awaitText(String selector, String text) {
    await(query(selector) + "?.innerText.includes(" + quoted(text) + ")");
  }

  /** The text that an element shows. */
  public String text(String selector) {
    return evaluate(query(selector) + "?.innerText ?? ''").asText();
  }

  /** How many elements there are. */
  public int count(String selector) {
    return evaluate("document.querySelectorAll(" + quoted(selector) + ").length").asInt();
  }

  /** Clicks the middle of an element with the mouse, as soon as nothing covers it. */
  public void click(String selector) {
    String middle =
        """
        (() => {
          const found = %s;
          found?.scrollIntoView({block: 'nearest'});
          const box = found?.getBoundingClientRect();
          const point = box && {x: box.x + box.width / 2, y: box.y + box.height / 2};
          return point && found.contains(document.elementFromPoint(point.x, point.y)) && point;
        })()
        """
            .formatted(query(selector));
    await(middle);
    JsonNode point = evaluate(middle);
    for (String type : new String[] {"mouseMoved", "mousePressed", "mouseReleased"}) {
      send(
          "Input.dispatchMouseEvent",
          "type",
          type,
          "x",
          point.path("x").asDouble(),
          "y",
          point.path("y").asDouble(),
          "button",
          type.equals("mouseMoved") ? "none" : "left",
          "clickCount",
          1);
    }
  }

  /** Types into what has the focus. */
  public void type(String text) {
    send("Input.insertText", "text", text);
  }

  /** Presses a key that writes nothing but perhaps a line's end: Enter, Escape, Tab, ArrowUp. */
  public void press(String key) {
    Map<String, Integer> codes = Map.of("Enter", 13, "Escape", 27, "Tab", 9, "ArrowUp", 38);
    for (String type : new String[] {"keyDown", "keyUp"}) {
      send(
          "Input.dispatchKeyEvent",
          "type",
          type,
          "key",
          key,
          "code",
          key,
          "windowsVirtualKeyCode",
          codes.getOrDefault(key, 0),
          "text",
          key.equals("Enter") && type.equals("keyDown") ? "\r" : "");
    }
  }

  /** Sets the size of the page in CSS pixels, and waits until it is drawn so. */
  public void viewport(int width, int height) {
    send(
        "Emulation.setDeviceMetricsOverride",
        "width",
        width,
        "height",
        height,
        "deviceScaleFactor",
        1,
        "mobile",
        width < 600);
    evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))");
  }

  /** Pretends that the system prefers dark colours, or light ones. */
  public void preferDark(boolean dark) {
    send(
        "Emulation.setEmulatedMedia",
        "features",
        List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light")));
  }

  /** Writes what is shown to a PNG file. */
  public void screenshot(Path file) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    String data = send("Page.captureScreenshot", "format", "png").path("data").asText();
    Files.write(file, Base64.getDecoder().decode(data));
  }

  private static String query(String selector) {
    return "document.querySelector(" + quoted(selector) + ")";
  }

  private static String quoted(String text) {
    return TextNode.valueOf(text).toString();
  }
}
