package luki.gateway.browser;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import luki.gateway.json.Json;
import luki.gateway.testing.Waiting;

/** A page in {@link Chromium}. */
final class Tab {
  private static final Path SCREENSHOTS = Path.of("src/docs/img");

  private final Chromium browser;
  private final String session;
  private String origin = "";

  Tab(Chromium browser, String session, int width, int height) {
    this.browser = browser;
    this.session = session;
    call("Page.enable", Json.object());
    call(
        "Emulation.setDeviceMetricsOverride",
        Json.object()
            .put("width", width)
            .put("height", height)
            .put("deviceScaleFactor", 1)
            .put("mobile", width < 600));
    // The browser's own report, before any script of the page runs.
    call(
        "Page.addScriptToEvaluateOnNewDocument",
        Json.object()
            .put(
                "source",
                """
                globalThis.violations = [];
                document.addEventListener("securitypolicyviolation", event =>
                  violations.push(event.effectiveDirective + " " + event.blockedURI));
                """));
  }

  private Json call(String method, Json.Builder parameters) {
    return browser.call(session, method, parameters);
  }

  /** Shows the page as on a device that prefers dark pages. */
  Tab dark() {
    Json dark = Json.object().put("name", "prefers-color-scheme").put("value", "dark").build();
    call("Emulation.setEmulatedMedia", Json.object().put("features", Json.array(List.of(dark))));
    return this;
  }

  /** Opens a page of that server and waits until its scripts and images are loaded. */
  Tab open(String server, String path) {
    origin = server;
    String url = origin + path;
    call("Page.navigate", Json.object().put("url", url));
    return await(
        "location.href !== 'about:blank' && document.readyState === 'complete'", "loaded " + url);
  }

  /** The value of a JavaScript expression, of a promise its result. */
  Json evaluate(String expression) {
    Json reply =
        call(
            "Runtime.evaluate",
            Json.object()
                .put("expression", expression)
                .put("awaitPromise", true)
                .put("returnByValue", true));
    if (!reply.at("exceptionDetails").isMissing()) {
      throw new AssertionError(expression + ": " + reply.at("exceptionDetails"));
    }
    return reply.at("result").at("value");
  }

  String text(String expression) {
    return evaluate("String(" + expression + ")").string("");
  }

  /** Waits until a JavaScript expression is true. */
  Tab await(String expression, String what) {
    try {
      Waiting.until(() -> evaluate("Boolean(" + expression + ")").isTrue());
    } catch (AssertionError late) {
      throw new AssertionError(
          what + ", " + problems() + ": " + text("document.body.innerText.slice(0, 500)"), late);
    }
    return this;
  }

  /** Does something again and again until a JavaScript expression is true; for pictures. */
  void await(Runnable action, String expression) {
    Waiting.until(
        Duration.ofMinutes(2),
        () -> {
          action.run();
          return evaluate("Boolean(" + expression + ")").isTrue();
        });
  }

  /** Types into what has the focus. */
  Tab type(String text) {
    call("Input.insertText", Json.object().put("text", text));
    return this;
  }

  /** Presses a key, such as Tab, Enter or Escape. */
  Tab press(String key) {
    int code = List.of("Tab", "Enter", "Escape").indexOf(key);
    for (String type : List.of("keyDown", "keyUp")) {
      Json.Builder event = Json.object().put("type", type).put("key", key).put("code", key);
      event.put("windowsVirtualKeyCode", new int[] {9, 13, 27}[code]);
      call("Input.dispatchKeyEvent", key.equals("Enter") ? event.put("text", "\r") : event);
    }
    return this;
  }

  /** Violations of the page's policy, errors in its console, requests to another server. */
  List<String> problems() {
    List<String> problems = new ArrayList<>();
    evaluate("violations").items().forEach(one -> problems.add("violates its policy: " + one));
    for (Json request : browser.events("Network.requestWillBeSent")) {
      String url = request.at("request").at("url").string("");
      if (!url.startsWith(origin + "/") && !url.startsWith("data:") && !url.startsWith("blob:")) {
        problems.add("requests " + url);
      }
    }
    browser
        .events("Runtime.exceptionThrown")
        .forEach(thrown -> problems.add("throws " + thrown.at("exceptionDetails")));
    for (Json log : browser.events("Runtime.consoleAPICalled")) {
      if (List.of("error", "warning", "assert").contains(log.at("type").string(""))) {
        problems.add("logs " + log.at("args"));
      }
    }
    for (Json log : browser.events("Log.entryAdded")) {
      if (log.at("entry").at("level").string("").equals("error")) {
        problems.add("has an error " + log.at("entry"));
      }
    }
    return problems;
  }

  /** The paths that it has requested of its server, each once. */
  List<String> requested() {
    return browser.events("Network.requestWillBeSent").stream()
        .map(request -> request.at("request").at("url").string(""))
        .filter(url -> url.startsWith(origin + "/"))
        .map(url -> url.substring(origin.length()))
        .distinct()
        .toList();
  }

  /** Runs what only a picture for the documents needs. */
  static void whenKept(Runnable action) {
    if (Boolean.getBoolean("luki.write")) {
      action.run();
    }
  }

  /** Takes a picture; {@code make test-browser WRITE=1} keeps it for the documents. */
  void picture(String name) {
    byte[] png =
        Base64.getDecoder()
            .decode(call("Page.captureScreenshot", Json.object()).at("data").string(""));
    try {
      Path folder = Boolean.getBoolean("luki.write") ? SCREENSHOTS : Path.of("target/img");
      Files.createDirectories(folder);
      Files.write(folder.resolve(name + ".png"), png);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
