package luki.gateway.surface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import luki.gateway.json.Json;
import luki.gateway.observe.AccessLine;
import luki.gateway.standin.RawUpstream;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.Client;
import luki.gateway.testing.Collector;
import luki.gateway.testing.RedisProcess;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;

/**
 * Marked words in everything that callers and services send, for every operation of the contract:
 * none of them is found in what operators see. An operation that is added is tested automatically.
 */
class NoHealthDataTest {
  private static final String MARK = "Xq7ZkWv";

  private static final ByteArrayOutputStream STDERR = new ByteArrayOutputStream();
  private static final PrintStream REAL_STDERR = System.err;
  @TempDir private static Path directory;
  private static RedisProcess redis;
  private static Collector collector;
  private static RawUpstream services;
  private static TestGateway gateway;
  private static int asked;

  @BeforeAll
  static void start() {
    System.setErr(new PrintStream(STDERR, true, StandardCharsets.UTF_8));
    redis = RedisProcess.start("--appendfsync", "no");
    collector = Collector.start();
    services =
        RawUpstream.start(
            connection -> {
              for (int i = 0; ; i++) {
                connection.send(reply(connection.readRequest(), i));
              }
            });
    TestGateway.Builder builder =
        TestGateway.builder()
            .webhooks()
            .with("REDIS_URL", redis.url())
            .with("RATE_LIMIT_PER_MIN", "600000")
            .with("USAGE_OUTBOX", directory.resolve("usage").toString())
            .with("AUDIT_FILE", directory.resolve("audit").toString())
            .with("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
            .with("OTEL_BSP_SCHEDULE_DELAY", "50")
            .yaml(
                "cognitive:\n    connect: 1s",
                "cognitive:\n    versions: {canary: \"" + services.url() + "\"}\n    connect: 1s");
    StandIns.VARIABLES.forEach(variable -> builder.with(variable, services.url()));
    gateway = builder.start();
  }

  @AfterAll
  static void stop() {
    System.setErr(REAL_STDERR);
    gateway.close();
    services.close();
    collector.close();
    redis.close();
  }

  /** Replies of a careless service: error, text and headers, all with marks. */
  private static String reply(String request, int turn) {
    String mark = MARK + "Service" + turn;
    String line = request.substring(0, request.indexOf('\r'));
    if (line.contains("/policy")) {
      return framed("200 OK", "{\"allowed\":true,\"note\":\"" + mark + "\"}", mark);
    }
    if (line.contains("/stream")) {
      String events = "data: {\"token\": \"" + mark + "\"}\n\n";
      return turn % 2 == 0
          ? "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: "
              + (events.length() + 9)
              + "\r\n\r\n"
              + events
              + "data: {x\n"
          : framed("500 " + mark, "{\"detail\":\"" + mark + "\"}", mark);
    }
    return switch (turn % 4) {
      case 0 -> framed("200 OK", "{\"" + mark + "\":\"" + mark + "\"}", mark);
      case 1 -> framed("500 " + mark, "Traceback: KeyError '" + mark + "'", mark);
      case 2 -> framed("422 Unprocessable", "{\"detail\":[{\"msg\":\"" + mark + "\"}]}", mark);
      default -> framed("200 OK", "{\"broken\": " + mark, mark);
    };
  }

  private static String framed(String status, String body, String mark) {
    return "HTTP/1.1 %s\r\nContent-Type: application/json\r\nX-Debug: %s\r\nContent-Length: %d\r\n\r\n%s"
        .formatted(status, mark, body.length(), body);
  }

  @TestFactory
  Stream<DynamicTest> S12_noMarkIsSeenOfAnyOperation() {
    String[] scopes = ContractOperation.allScopes().toArray(String[]::new);
    String key = gateway.key(List.of("*"), scopes);
    // A quota stays in Redis for a day; a rate alone expires when its bucket is full.
    String counted = gateway.keyOfPlan("care_home", List.of("*"), scopes);
    return Stream.concat(
        ContractOperation.all().stream()
            .map(
                operation -> dynamicTest(operation.toString(), () -> ask(operation, key, counted))),
        Stream.of(
            dynamicTest("an unknown path", () -> unknown(key)),
            dynamicTest("nothing is found anywhere", NoHealthDataTest::noMarkIsFound)));
  }

  private static void ask(ContractOperation operation, String key, String counted) {
    send(marked(operation, 0).as(counted));
    for (int turn = 0; turn < 6; turn++) {
      send(marked(operation, turn).as(key));
    }
    send(marked(operation, 0));
    send(marked(operation, 1).as("luki_" + MARK));
    send(marked(operation, 1).as(MARK + "." + MARK + "." + MARK));
    send(marked(operation, 2).query(MARK + "Name", MARK).as(key));
  }

  private static void send(Ask ask) {
    // The services of this test answer 200 to everything, and a module's status is passed on.
    ask.sendUnchecked(gateway);
    asked++;
  }

  private static void unknown(String key) {
    send(Ask.of("GET", "/v1/" + MARK + "/" + MARK).as(key));
    send(Ask.of(MARK.toUpperCase(Locale.ROOT), "/v1/chat").as(key));
  }

  /** The valid request with marks in each value that may be any text. */
  private static Ask marked(ContractOperation operation, int turn) {
    Ask ask = Ask.of(operation.method(), operation.template());
    for (ContractOperation.Parameter parameter : operation.parameters()) {
      ask = ask.with(parameter, markOf(parameter, turn));
    }
    for (String name :
        List.of("User-Agent", "Referer", "Cookie", "X-User-Id", "X-" + MARK, "Via")) {
      ask = ask.header(name, MARK + "Header");
    }
    ask = ask.header("traceparent", MARK).header("tracestate", "v=" + MARK);
    ask = ask.header("X-Request-Id", MARK + " is not valid");
    if (operation.takesBody()) {
      ask = ask.json(json(operation.bodyExample(), turn).toString());
    }
    return ask;
  }

  private static String markOf(ContractOperation.Parameter parameter, int turn) {
    Json schema = parameter.schema();
    boolean text = schema.at("type").string("").equals("string") && schema.at("enum").isMissing();
    return text && !parameter.in().equals("header") && !parameter.name().contains("date")
        ? MARK + "Of" + turn + "_x"
        : parameter.text();
  }

  private static Json json(Json value, int turn) {
    if (value.isObject()) {
      Json.Builder object = Json.object();
      value.members().forEach((name, member) -> object.put(name, json(member, turn)));
      if (turn % 3 == 2) {
        object.put(MARK + "Key", MARK + "Value");
      }
      return object.build();
    }
    if (value.isArray()) {
      return Json.array(value.items().stream().map(item -> json(item, turn)).toList());
    }
    String text = value.string();
    return text == null || turn % 3 == 1 ? value : Json.of(MARK + "Text" + turn);
  }

  private static void noMarkIsFound() throws Exception {
    assertTrue(asked > 400, asked + " requests");
    gateway.awaitLog(asked);
    Waiting.until(() -> collector.spans().size() > asked);
    Waiting.until(() -> Files.exists(directory.resolve("usage.00000001")));
    Client stranger = gateway.stranger();
    assertClean("the access log", String.join("\n", gateway.log()));
    assertEquals(
        AccessLine.FIELDS.stream().map(AccessLine.Field::name).collect(Collectors.toSet()),
        membersOf(gateway.log()),
        "the policy page lists what a line can contain");
    assertClean("stderr", STDERR.toString(StandardCharsets.UTF_8));
    assertClean("/metrics", stranger.get("/metrics").body());
    assertClean(
        "OpenMetrics", stranger.get("/metrics", "Accept", "application/openmetrics-text").body());
    assertClean("/health", stranger.get("/health").body());
    for (byte[] body : collector.bodies()) {
      assertClean("traces", new String(body, StandardCharsets.ISO_8859_1));
    }
    assertClean("Redis", redisDump());
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        assertClean(file.getFileName().toString(), Files.readString(file));
      }
    }
    assertEquals(Set.of(), found("a clean text"));
    assertTrue(!found("x" + MARK + "x").isEmpty(), "the search finds what it looks for");
  }

  private static Set<String> membersOf(List<String> lines) throws Exception {
    Set<String> names = new HashSet<>();
    for (String line : lines) {
      names.addAll(Json.parse(line.getBytes(StandardCharsets.UTF_8)).members().keySet());
    }
    return names;
  }

  private static String redisDump() {
    StringBuilder all = new StringBuilder();
    try (Jedis jedis = redis.client()) {
      for (String key : jedis.keys("*")) {
        all.append(key).append('=');
        switch (jedis.type(key)) {
          case "hash" -> all.append(jedis.hgetAll(key));
          case "string" -> all.append(jedis.get(key));
          // It has expired since.
          case "none" -> {}
          default -> throw new AssertionError(jedis.type(key));
        }
        all.append('\n');
      }
    }
    assertTrue(all.length() > 0, "Redis was used");
    return all.toString();
  }

  private static void assertClean(String where, String text) {
    assertEquals(Set.of(), found(text), where);
  }

  /** The forms of the mark that the text contains. */
  private static Set<String> found(String text) {
    Map<String, String> forms = forms();
    String lower = text.toLowerCase(Locale.ROOT);
    forms.values().removeIf(form -> !lower.contains(form.toLowerCase(Locale.ROOT)));
    return forms.keySet();
  }

  private static Map<String, String> forms() {
    byte[] bytes = MARK.getBytes(StandardCharsets.UTF_8);
    Map<String, String> forms = new TreeMap<>();
    forms.put("raw", MARK);
    forms.put("hex", HexFormat.of().formatHex(bytes));
    forms.put("url", URLEncoder.encode(MARK, StandardCharsets.UTF_8));
    forms.put("percent", HexFormat.of().withPrefix("%").formatHex(bytes));
    // A text can begin at three positions within a group of base64.
    for (String prefix : List.of("", "a", "ab")) {
      byte[] shifted = (prefix + MARK).getBytes(StandardCharsets.UTF_8);
      String whole = Base64.getEncoder().withoutPadding().encodeToString(shifted);
      int skip = prefix.isEmpty() ? 0 : prefix.length() + 1;
      forms.put("base64 after " + prefix.length(), whole.substring(skip, whole.length() - 1));
    }
    return forms;
  }
}
