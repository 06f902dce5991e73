package luki.gateway.chaos;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocketHandshakeException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.websocket.SocketClient;
import org.jspecify.annotations.Nullable;

/** One caller: it sends what its seed says, and looks at each reply. */
final class Caller {
  private static final String STREAM = "/v1/chat/stream";
  private static final String SOCKETS = "/v1/chat/ws";
  private static final int LONG = 100;
  private static final int SWITCHED = 101;
  private static final int GOING_AWAY = 1001;

  private final Load run;
  private final String user;
  private final int number;
  private final Random random;
  private final List<Kind> kinds;
  private int sent;
  private @Nullable RawHttpClient own;

  /** What is asked, and the services that can make it fail. */
  enum Kind {
    TRACK,
    METRICS,
    STORE,
    STORE_ONCE,
    CHAT,
    CHAT_STREAM,
    LONG_STREAM,
    LEAVE,
    SOCKET,
    JOB,
    INVALID,
    STRANGER;

    static List<Kind> without(Kind... left) {
      return Stream.of(values()).filter(kind -> !List.of(left).contains(kind)).toList();
    }

    Set<String> services() {
      return switch (this) {
        case TRACK, METRICS -> Set.of("engagement", "security");
        case STORE -> Set.of("memory", "security");
        case STORE_ONCE -> Set.of("memory", "security", "redis");
        case CHAT, CHAT_STREAM, LONG_STREAM, LEAVE, SOCKET, JOB -> Set.of("agent");
        case INVALID, STRANGER -> Set.of();
      };
    }

    private boolean isStream() {
      return this == CHAT_STREAM || this == LONG_STREAM || this == LEAVE;
    }
  }

  /**
   * A request.
   *
   * @param id in the access log
   * @param mark only in this request, and so only in its reply
   */
  record Sent(Kind kind, String id, String mark, int gateway, long at) {}

  Caller(Load run, int number, long seed, List<Kind> kinds) {
    this.run = run;
    this.number = number;
    this.kinds = kinds;
    this.user = "caller" + number;
    this.random = new Random(seed * 1000 + number);
  }

  String user() {
    return user;
  }

  /** Sends one request after the other until the run is over. */
  void call() {
    try {
      while (!run.isOver()) {
        ask(kinds.get(random.nextInt(kinds.size())));
        run.pace();
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  void ask(Kind kind) {
    String id = "chaos-" + number + "-" + sent++;
    // A job is known to its gateway alone, so it is one that stays.
    int gateway = kind == Kind.JOB ? run.gateways() - 1 : random.nextInt(run.gateways());
    Sent request = new Sent(kind, id, "mark-" + id + "-end", gateway, System.nanoTime());
    try {
      if (run.client() == null) {
        onOwnConnection(request);
      } else if (kind.isStream()) {
        stream(request);
      } else if (kind == Kind.SOCKET) {
        socket(request);
      } else {
        HttpResponse<String> reply =
            client().send(request(request), BodyHandlers.ofString(StandardCharsets.UTF_8));
        look(request, reply.statusCode(), reply.body());
      }
    } catch (IOException broken) {
      StringBuilder causes = new StringBuilder();
      for (Throwable cause = broken; cause != null; cause = cause.getCause()) {
        causes.append(cause).append("; ");
      }
      run.broken(request, "no reply: " + causes);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  /** On one connection for all its requests, which the gateway has no reason to close. */
  private void onOwnConnection(Sent sent) throws IOException {
    RawHttpClient connection = own;
    if (connection == null) {
      connection = new RawHttpClient(URI.create(run.url(sent.gateway)).getPort());
      own = connection;
    }
    String body = sent.kind == Kind.METRICS ? "" : body(sent);
    StringBuilder request =
        new StringBuilder(
            "%s %s HTTP/1.1\r\nHost: gateway\r\nX-Request-Id: %s\r\n"
                .formatted(body.isEmpty() ? "GET" : "POST", path(sent), sent.id));
    if (sent.kind != Kind.STRANGER) {
      request.append("Authorization: Bearer ").append(run.key(number)).append("\r\n");
    }
    if (!body.isEmpty()) {
      request.append("Content-Type: application/json\r\nContent-Length: ");
      request.append(body.length()).append("\r\n");
    }
    connection.send(request.append("\r\n").append(body).toString());
    HttpReply reply = connection.reply();
    if (sent.kind.isStream() && reply.status() == 200) {
      run.answered(sent, 200);
      events(sent, new BufferedReader(new StringReader(reply.body())));
    } else {
      look(sent, reply.status(), reply.body());
    }
  }

  /** Closes its own connection. */
  void leave() throws IOException {
    if (own != null) {
      own.close();
      own = null;
    }
  }

  private HttpClient client() {
    return Objects.requireNonNull(run.client());
  }

  private String path(Sent sent) {
    return switch (sent.kind) {
      case TRACK, INVALID, STRANGER -> "/v1/engagement/interactions";
      case METRICS -> "/v1/engagement/metrics/" + user;
      case STORE, STORE_ONCE -> "/v1/elr/items";
      case CHAT, JOB -> "/v1/chat";
      case CHAT_STREAM, LONG_STREAM, LEAVE -> STREAM;
      case SOCKET -> SOCKETS;
    };
  }

  private String body(Sent sent) {
    Json.Builder body = Json.object().put("user_id", user);
    switch (sent.kind) {
      case TRACK, STRANGER -> body.put("interaction_type", "chat");
      case STORE, STORE_ONCE -> body.put("text", "A memory, " + sent.mark);
      case CHAT, CHAT_STREAM, LEAVE, SOCKET -> body.put("message", sent.mark);
      case JOB ->
          body.put("message", sent.mark)
              .put("callback", Json.object().put("webhook_id", run.webhook(number)).build());
      // The agent repeats it, word by word.
      case LONG_STREAM -> body.put("message", sent.mark + " word".repeat(LONG));
      case INVALID -> body.put("unknown", sent.mark);
      case METRICS -> {}
    }
    return body.build().toString();
  }

  private HttpRequest request(Sent sent) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(run.url(sent.gateway) + path(sent)))
            .timeout(Duration.ofSeconds(30))
            .header("X-Request-Id", sent.id);
    if (sent.kind != Kind.STRANGER) {
      request.header("Authorization", "Bearer " + run.key(number));
    }
    if (sent.kind == Kind.STORE_ONCE) {
      request.header("Idempotency-Key", "\"" + sent.id + "\"");
    }
    return sent.kind == Kind.METRICS
        ? request.GET().build()
        : request
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body(sent)))
            .build();
  }

  private void look(Sent sent, int status, String body) {
    run.answered(sent, status);
    int refused = sent.kind == Kind.INVALID ? 400 : sent.kind == Kind.STRANGER ? 401 : 0;
    if (status >= 400) {
      String code = code(body);
      if (code.isEmpty()) {
        run.broken(sent, "an error that is not in the envelope: " + status + " " + body);
      } else if (status != refused) {
        run.failed(sent, status + " " + code);
      }
      return;
    }
    if (refused != 0) {
      run.broken(sent, "accepted: " + status);
    }
    if (sent.kind == Kind.JOB) {
      run.accepted(number, sent, body.replaceAll(".*\"job_id\":\"(\\w+)\".*", "$1"));
      return;
    }
    String expected =
        switch (sent.kind) {
          case TRACK, METRICS -> "\"" + user + "\"";
          case STORE, STORE_ONCE, CHAT -> sent.mark;
          case CHAT_STREAM, LONG_STREAM, LEAVE, SOCKET, JOB, INVALID, STRANGER -> "";
        };
    run.billed(sent);
    if (!body.contains(expected)) {
      run.broken(sent, "the reply of another request: " + body);
    }
  }

  /** The code of an error in the envelope; empty where it is none. */
  private static String code(String body) {
    try {
      Json error = Json.parse(body.getBytes(StandardCharsets.UTF_8)).at("error");
      boolean whole =
          error.at("trace_id").string("").matches("[0-9a-f]{32}")
              && !error.at("message").string("").isEmpty();
      return whole ? error.at("code").string("") : "";
    } catch (InvalidJson malformed) {
      return "";
    }
  }

  private void stream(Sent sent) throws IOException, InterruptedException {
    HttpResponse<InputStream> reply = client().send(request(sent), BodyHandlers.ofInputStream());
    try (InputStream in = reply.body();
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      if (reply.statusCode() != 200) {
        StringBuilder all = new StringBuilder();
        lines.lines().forEach(all::append);
        look(sent, reply.statusCode(), all.toString());
        return;
      }
      run.answered(sent, 200);
      events(sent, lines);
    }
  }

  private void events(Sent sent, BufferedReader lines) throws IOException {
    StringBuilder text = new StringBuilder();
    String event = "";
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (line.startsWith("event: ")) {
        event = line.substring("event: ".length());
      } else if (line.startsWith("data: ")) {
        String data = line.substring("data: ".length());
        if (event.equals("error")) {
          String code = code(data);
          if (code.isEmpty()) {
            run.broken(sent, "an error event that is not in the envelope: " + data);
          }
          run.failed(sent, "event " + code);
          return;
        }
        if (event.equals("done")) {
          if (!text.toString().contains(sent.mark)) {
            run.broken(sent, "the stream of another request: " + text);
          }
          return;
        }
        if (text.isEmpty()) {
          run.billed(sent);
        }
        text.append(token(data));
        if (sent.kind == Kind.LEAVE) {
          return;
        }
      }
    }
    run.broken(sent, "a stream without an end: " + text);
  }

  /** A chat over a WebSocket of its own. */
  private void socket(Sent sent) throws IOException, InterruptedException {
    URI target = URI.create(run.url(sent.gateway).replace("http:", "ws:") + SOCKETS);
    String authorization = "Bearer " + run.key(number);
    try (SocketClient socket =
        SocketClient.open(
            client(),
            target,
            new String[0],
            "Authorization",
            authorization,
            "X-Request-Id",
            sent.id)) {
      run.answered(sent, SWITCHED);
      Json chat =
          Json.object()
              .put("type", "chat")
              .put("id", "1")
              .put("user_id", user)
              .put("message", sent.mark)
              .build();
      socket.send(chat.toString());
      messages(sent, socket);
      socket.sendClose();
      int _ = socket.closeCode();
    } catch (InterruptedException stopped) {
      throw stopped;
    } catch (ExecutionException refused) {
      refused(sent, refused);
    } catch (Exception broken) {
      run.broken(sent, "no chat over a socket: " + broken);
    }
  }

  private void refused(Sent sent, ExecutionException cause) {
    if (cause.getCause() instanceof WebSocketHandshakeException handshake) {
      run.answered(sent, handshake.getResponse().statusCode());
      run.failed(sent, handshake.getResponse().statusCode() + " of a handshake");
    } else {
      // Its connection was closed, as when the gateway goes.
      run.failed(sent, "event DRAINING");
    }
  }

  private void messages(Sent sent, SocketClient socket) throws Exception {
    StringBuilder text = new StringBuilder();
    for (Json next = socket.nextOrNull(); next != null; next = socket.nextOrNull()) {
      switch (next.at("type").string("")) {
        case "token" -> {
          if (text.isEmpty()) {
            run.billed(sent);
          }
          text.append(next.at("token").string(""));
        }
        case "done" -> {
          if (!text.toString().contains(sent.mark)) {
            run.broken(sent, "the chat of another request: " + text);
          }
          return;
        }
        case "error" -> {
          run.failed(sent, "event " + next.at("error").at("code").string(""));
          return;
        }
        default -> run.broken(sent, "an unknown message: " + next);
      }
    }
    // 1001: the gateway goes.
    run.failed(sent, socket.closeCode() == GOING_AWAY ? "event DRAINING" : "closed");
  }

  private static String token(String data) {
    try {
      return Json.parse(data.getBytes(StandardCharsets.UTF_8)).at("token").string("");
    } catch (InvalidJson malformed) {
      return "";
    }
  }
}
