package luki.gateway.browser;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.testing.Processes;
import luki.gateway.testing.Waiting;

/**
 * A headless Chromium that is driven by the DevTools protocol. Names other than 127.0.0.1 do not
 * resolve in it, so a page that needs another server fails.
 */
final class Chromium implements AutoCloseable {
  private static final Duration START_LIMIT = Duration.ofSeconds(60);
  private static final Duration REPLY_LIMIT = Duration.ofSeconds(60);

  private final Process process;
  private final Path profile;
  private final WebSocket socket;
  private CompletableFuture<WebSocket> sent;
  private final AtomicLong ids = new AtomicLong();
  private final Map<Long, CompletableFuture<Json>> replies = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<Json> events = new ConcurrentLinkedQueue<>();

  private Chromium(Process process, Path profile, URI address) {
    this.process = process;
    this.profile = profile;
    this.socket =
        HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(address, new Inbox()).join();
    this.sent = CompletableFuture.completedFuture(socket);
  }

  /** Whether its tests are to run: in CI they fail without it, elsewhere they are skipped. */
  static boolean isWanted() {
    return installed().isPresent() || System.getenv("CI") != null;
  }

  static Chromium start() {
    Optional<Path> program = installed();
    try {
      Path profile = Files.createTempDirectory("chromium");
      Process process =
          new ProcessBuilder(command(program.orElseThrow(), profile))
              .redirectErrorStream(true)
              .redirectOutput(profile.resolve("log").toFile())
              .start();
      // Two lines: the port, and the path of the WebSocket.
      Path file = profile.resolve("DevToolsActivePort");
      List<String> port =
          Waiting.until(
              START_LIMIT, () -> lines(process, profile, file), found -> found.size() > 1);
      URI address = URI.create("ws://127.0.0.1:" + port.get(0) + port.get(1));
      return new Chromium(process, profile, address);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  private static Optional<Path> installed() {
    return Stream.of(System.getenv("PATH").split(":", -1))
        .flatMap(
            folder ->
                Stream.of("chromium", "chromium-browser", "google-chrome")
                    .map(Path.of(folder)::resolve))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private static List<String> command(Path program, Path profile) {
    List<String> command =
        new ArrayList<>(
            List.of(
                program.toString(),
                "--headless",
                "--remote-debugging-port=0",
                "--user-data-dir=" + profile,
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
                "--force-device-scale-factor=1",
                "--hide-scrollbars",
                "--no-first-run",
                "about:blank"));
    if (System.getProperty("user.name").equals("root")) {
      // Its sandbox refuses to run as root.
      command.add(1, "--no-sandbox");
    }
    return command;
  }

  private static List<String> lines(Process process, Path profile, Path file) {
    try {
      if (!process.isAlive()) {
        throw new AssertionError("Chromium ended: " + Files.readString(profile.resolve("log")));
      }
      return Files.exists(file) ? Files.readAllLines(file) : List.of();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** Opens an empty tab of that size. */
  Tab tab(int width, int height) {
    Json.Builder blank = Json.object().put("url", "about:blank");
    String target = call("", "Target.createTarget", blank).at("targetId").string("");
    Json.Builder attach = Json.object().put("targetId", target).put("flatten", Json.of(true));
    String session = call("", "Target.attachToTarget", attach).at("sessionId").string("");
    events.clear();
    watch(session);
    return new Tab(this, session, width, height);
  }

  /** Calls a method of the protocol and waits for its result. */
  Json call(String session, String method, Json.Builder parameters) {
    CompletableFuture<Json> reply = new CompletableFuture<>();
    long id = ids.incrementAndGet();
    replies.put(id, reply);
    send(id, session, method, parameters);
    Json answer = reply.orTimeout(REPLY_LIMIT.toSeconds(), TimeUnit.SECONDS).join();
    if (!answer.at("error").isMissing()) {
      throw new AssertionError(method + ": " + answer.at("error"));
    }
    return answer.at("result");
  }

  private void send(long id, String session, String method, Json.Builder parameters) {
    Json.Builder message = Json.object().put("id", id).put("method", method);
    message.put("params", parameters.build());
    if (!session.isEmpty()) {
      message.put("sessionId", session);
    }
    String text = message.build().toString();
    synchronized (this) {
      // One after another: the client refuses a second text while it sends one.
      sent = sent.thenCompose(ready -> ready.sendText(text, true));
    }
  }

  /**
   * Reports a session's requests and errors, and those of the workers that it starts. Does not wait
   * for the replies: it is called where they arrive, too.
   */
  void watch(String session) {
    for (String domain : List.of("Network", "Runtime", "Log")) {
      send(ids.incrementAndGet(), session, domain + ".enable", Json.object());
    }
    send(
        ids.incrementAndGet(),
        session,
        "Target.setAutoAttach",
        Json.object()
            .put("autoAttach", true)
            .put("waitForDebuggerOnStart", true)
            .put("flatten", true));
    send(ids.incrementAndGet(), session, "Runtime.runIfWaitingForDebugger", Json.object());
  }

  /** What was reported since the last tab was opened, by the name of the event. */
  List<Json> events(String method) {
    return events.stream()
        .filter(event -> event.at("method").string("").equals(method))
        .map(event -> event.at("params"))
        .toList();
  }

  @Override
  public void close() {
    socket.abort();
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly().onExit().join();
    Processes.deleteTree(profile);
  }

  private final class Inbox implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
      text.append(data);
      if (last) {
        take(text.toString());
        text.setLength(0);
      }
      from.request(1);
      return null;
    }

    private void take(String message) {
      try {
        Json json = Json.parseReply(message.getBytes(StandardCharsets.UTF_8));
        if (json.at("id").isMissing()) {
          events.add(json);
          if (json.at("method").string("").equals("Target.attachedToTarget")) {
            watch(json.at("params").at("sessionId").string(""));
          }
        } else {
          CompletableFuture<Json> reply = replies.remove(json.at("id").integer().orElseThrow());
          if (reply != null) {
            reply.complete(json);
          }
        }
      } catch (InvalidJson invalid) {
        throw new AssertionError(invalid);
      }
    }
  }
}
