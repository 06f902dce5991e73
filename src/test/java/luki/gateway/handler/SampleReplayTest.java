package luki.gateway.handler;

import static luki.gateway.handler.ReceivedEvents.names;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import luki.gateway.handler.SampleReplayTest.SampleReplays.Row;
import luki.gateway.handler.SampleReplayTest.SampleReplays.Sample;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.RawUpstream;
import luki.gateway.standin.Seen;
import luki.gateway.standin.StandInReply;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** For each recorded reply of a service, caused through a public route: what the caller gets. */
@Timeout(60)
class SampleReplayTest {
  private static final String SECRET = "only-the-agent-knows";

  @AutoClose
  private static final Fixture FIXTURE =
      Fixture.start(g -> g.with("AGENT_INTERNAL_SECRET", SECRET));

  private static final String KEY = FIXTURE.gateway().keyWithRole(List.of("*"), "admin");

  private final Map<String, Sample> samples = SampleReplays.samples();
  private final StandIns standIns = FIXTURE.services();
  private final Client client = FIXTURE.withKey(KEY);

  SampleReplayTest() throws IOException {
    standIns.grant("žiga", "elr_memories");
  }

  @Test
  void everySampleIsReplayedOrHasAReasonWhyNoRouteCausesIt() throws IOException {
    Set<String> named = SampleReplays.rows().stream().map(Row::name).collect(Collectors.toSet());

    assertEquals(new TreeSet<>(samples.keySet()), new TreeSet<>(named));
    for (Row row : SampleReplays.rows()) {
      assertEquals(row.has('x'), !row.has('>'), row.name());
      assertTrue(row.all('x').stream().noneMatch(String::isBlank), row.name());
    }
  }

  static Stream<Row> everyReplay() throws IOException {
    return SampleReplays.rows().stream().filter(row -> row.has('>'));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("everyReplay")
  void R5_requestsAndRepliesAreTranslatedAsRecorded(Row row) throws Exception {
    Sample sample = samples.get(row.name());
    standIns.clearOverrides();
    if (row.has('!')) {
      String[] target = row.only('!').split(" ", 3);
      standIns.override(
          sample.service(), target[0], withoutQuery(target[1]), SampleReplays.reply(sample));
    }
    for (String other : row.all('+')) {
      Sample beside = samples.get(other);
      standIns.override(
          beside.service(), beside.method(), beside.path(), SampleReplays.reply(beside));
    }
    standIns.forget();

    String[] request = row.request();
    String body = request.length < 3 ? null : request[2];
    HttpReply answer = client.send(request[0], ascii(request[1]), body);

    checkReply(row, sample, answer);
    checkNoLeak(row, sample, answer);
    checkCalls(row, sample);
  }

  private static void checkReply(Row row, Sample sample, HttpReply answer) throws Exception {
    assertEquals(row.status(), answer.status(), answer.body());
    assertEquals(Optional.empty(), answer.header("Location"));
    if (!row.code().isEmpty()) {
      assertEquals(row.code(), answer.code());
      assertEquals(Set.of("error"), answer.json().members().keySet());
      assertEquals(
          answer.header("X-Trace-Id").orElse(""),
          answer.json().pointer("/error/trace_id").string());
    }
    if (row.code().equals("DOWNSTREAM_BUSY")) {
      assertEquals("1", answer.header("Retry-After").orElse(""));
    }
    if (answer.header("Content-Type").orElse("").startsWith("text/event-stream")) {
      assertEquals("done", ReceivedEvents.of(answer.body()).last().name());
    }
    for (String fact : row.all('=')) {
      String[] words = fact.split(" ", 2);
      JsonNode actual = at(SampleReplays.MAPPER.readTree(answer.body()), words[0]);
      JsonNode expected =
          words[1].startsWith("@")
              ? at(sample.body(), words[1].substring(1))
              : SampleReplays.MAPPER.readTree(words[1]);
      assertEquals(expected, actual, fact);
    }
  }

  /** The pointer "/" means the whole body. */
  private static JsonNode at(JsonNode whole, String pointer) {
    return pointer.equals("/") ? whole : whole.at(pointer);
  }

  private static void checkNoLeak(Row row, Sample sample, HttpReply answer) {
    for (String never : List.of("similarity_score", "new-session", "demo_session", "model_used")) {
      assertFalse(answer.body().contains(never), answer.body());
    }
    if (row.has('!')) {
      String all = answer.body() + answer.headers();
      for (String text : SampleReplays.textsOfFailures(sample.response())) {
        assertFalse(all.contains(text), row + " shows: " + text);
      }
    }
  }

  private void checkCalls(Row row, Sample sample) throws Exception {
    for (String service : row.all('~')) {
      assertEquals(List.of(), standIns.calls(service), service);
    }
    if (!row.has('!')) {
      assertEquals(List.of(), standIns.calls(sample.service()), "the gateway answers by itself");
      return;
    }
    String[] expected = row.only('!').split(" ", 3);
    List<Seen> matching =
        standIns.calls(sample.service()).stream()
            .filter(seen -> seen.method().equals(expected[0]) && seen.path().equals(expected[1]))
            .toList();
    int times = row.has('*') ? Integer.parseInt(row.only('*')) : 1;
    assertEquals(times, matching.size(), "saw: " + standIns.calls(sample.service()));
    checkBody(expected[2], matching.getLast());
    for (Seen seen : matching) {
      checkHead(sample.service(), seen);
    }
  }

  private static void checkBody(String keys, Seen seen) throws Exception {
    if (keys.equals("-")) {
      assertEquals("", seen.body());
      assertEquals(Optional.empty(), seen.header("Transfer-Encoding"));
      if (seen.method().equals("POST")) {
        assertEquals("0", seen.header("Content-Length").orElse("none"));
      }
      return;
    }
    JsonNode body = SampleReplays.MAPPER.readTree(seen.body());
    assertEquals(new TreeSet<>(List.of(keys.split(" ", -1))), names(body));
    assertEquals("application/json", seen.header("Content-Type").orElse("none"));
    byte[] bytes = seen.body().getBytes(StandardCharsets.UTF_8);
    assertEquals(Integer.toString(bytes.length), seen.header("Content-Length").orElse("none"));
    if (body.has("context")) {
      assertTrue(body.path("context").isObject());
    }
  }

  private static void checkHead(String service, Seen seen) {
    for (String never : List.of("Upgrade", "HTTP2-Settings", "Cookie", "X-API-Key", "X-User-Id")) {
      assertEquals(Optional.empty(), seen.header(never), never);
    }
    String credential = seen.header("Authorization").orElse("none");
    assertTrue(credential.startsWith("Bearer ") && !credential.contains(KEY), credential);
    assertEquals(
        service.equals("agent") ? Optional.of(SECRET) : Optional.empty(),
        seen.header("X-Internal-Secret"));
    assertTrue(seen.header("traceparent").isPresent());
    assertTrue(seen.header("X-Request-Id").isPresent());
  }

  @Test
  void S13_theAgentGetsOnlyThePermittedFieldsOfAMemory() throws Exception {
    standIns.clearOverrides();
    Sample search = samples.get("memory: semantic search");
    standIns.override("memory", "POST", "/search/memories", SampleReplays.reply(search));
    standIns.forget();

    client.post(
        "/v1/chat",
        "{\"user_id\":\"maria_k\",\"message\":\" What do I like? \",\"context\":{\"wallet\":{\"n\":1},"
            + "\"memory_context\":[{\"content\":\"forged\"}],\"current_mood\":\"calm\"}}");

    JsonNode context =
        SampleReplays.MAPPER.readTree(standIns.calls("agent").getFirst().body()).path("context");
    assertEquals(Set.of("current_mood", "memory_context"), names(context));
    assertEquals(3, context.path("memory_context").size());
    for (JsonNode entry : context.path("memory_context")) {
      assertEquals(Set.of("content", "chunk_id", "created_at", "metadata"), names(entry));
      assertEquals(
          Set.of("content_type", "sensitivity_level", "created_at"), names(entry.path("metadata")));
    }
    JsonNode query = SampleReplays.MAPPER.readTree(standIns.calls("memory").getFirst().body());
    assertEquals("What do I like?", query.path("query").asText());
    assertEquals(50, query.path("k").asInt());
  }

  @Test
  void S16_anErasureIsRepeatedUntilTheServiceReportsNothingLeft() {
    for (String name : List.of("memory: delete all", "memory: delete all, percent-encoded user")) {
      Sample sample = samples.get(name);
      String user = sample.body().path("user_id").asText();
      int count = sample.body().path("deleted_count").asInt();
      try (RawUpstream memory = erasing(sample.body().toString());
          TestGateway alone = TestGateway.builder().with("MEMORY_URL", memory.url()).start()) {
        Client owner = new Client(alone, alone.key(List.of(user), "elr:delete"));
        String path = sample.path().replace("/delete/all/", "/v1/elr/users/");

        HttpReply answer = owner.delete(path).expect(200);
        assertEquals("{\"user_id\":\"%s\",\"deleted\":%d}".formatted(user, count), answer.body());
        assertEquals(
            2,
            memory.requests().stream()
                .filter(r -> r.startsWith("DELETE " + sample.path() + " "))
                .count());
      }
    }
  }

  /** Answers the first deletion with this body and the next ones with a count of 0. */
  private static RawUpstream erasing(String first) {
    String none = first.replaceFirst("\"deleted_count\":\\d+", "\"deleted_count\":0");
    // Over all connections: a client may open another one for each call.
    AtomicBoolean erased = new AtomicBoolean();
    return RawUpstream.serving(
        (connection, request) -> {
          boolean deletion = request.startsWith("DELETE ");
          String body = !deletion ? "{}" : erased.getAndSet(true) ? none : first;
          connection.reply("200 OK", body);
        });
  }

  private static String withoutQuery(String target) {
    return target.split("\\?", 2)[0];
  }

  private static String ascii(String target) {
    return URI.create(target).toASCIIString();
  }

  /** The recorded exchanges and the table of what each means for a caller of the gateway. */
  static final class SampleReplays {
    static final JsonMapper MAPPER = JsonMapper.builder().build();

    private static final Path SAMPLES = Path.of("test-fixtures", "downstream-samples");
    private static final Path TABLE = SAMPLES.resolve("replays.txt");
    private static final List<String> SERVICES =
        List.of("agent", "memory", "security", "engagement", "cognitive", "reporting");

    private static final int MIN_TEXT = 6; // Shorter ones stand in any reply by chance.

    private SampleReplays() {}

    /** A recorded exchange; two with the same note are distinguished by their paths. */
    record Sample(String service, JsonNode pair) {
      String method() {
        return pair.path("request").path("method").asText();
      }

      String path() {
        return pair.path("request").path("path").asText();
      }

      JsonNode response() {
        return pair.path("response");
      }

      JsonNode body() {
        return response().path("body");
      }
    }

    /** All pairs by their names in the table. */
    static Map<String, Sample> samples() throws IOException {
      Map<String, Sample> samples = new LinkedHashMap<>();
      for (String service : SERVICES) {
        JsonNode pairs = MAPPER.readTree(Files.readString(SAMPLES.resolve(service + ".json")));
        Map<String, Integer> notes = new LinkedHashMap<>();
        pairs.forEach(pair -> notes.merge(pair.path("note").asText(), 1, Integer::sum));
        for (JsonNode pair : pairs) {
          Sample sample = new Sample(service, pair);
          String note = pair.path("note").asText();
          String name = service + ": " + note + (notes.get(note) > 1 ? " @ " + sample.path() : "");
          if (samples.put(name, sample) != null) {
            throw new AssertionError("two pairs are called " + name);
          }
        }
      }
      return samples;
    }

    /** A block of the table. */
    record Row(String name, Map<Character, List<String>> lines) {
      String only(char kind) {
        List<String> found = all(kind);
        if (found.size() != 1) {
          throw new AssertionError(name + " has " + found.size() + " lines of " + kind);
        }
        return found.getFirst();
      }

      List<String> all(char kind) {
        return lines.getOrDefault(kind, List.of());
      }

      boolean has(char kind) {
        return lines.containsKey(kind);
      }

      /** The words of the public request: method, target and the body, which may be missing. */
      String[] request() {
        return only('>').split(" ", 3);
      }

      int status() {
        return Integer.parseInt(only('<').substring(0, 3));
      }

      String code() {
        return only('<').substring(3).strip();
      }

      @Override
      public String toString() {
        return name + (has('>') ? " > " + request()[0] + " " + request()[1] : "");
      }
    }

    static List<Row> rows() throws IOException {
      List<Row> rows = new ArrayList<>();
      for (String block : Files.readString(TABLE).split("\n\n+", -1)) {
        List<String> lines = block.lines().filter(line -> !line.startsWith("#")).toList();
        if (!lines.isEmpty()) {
          Map<Character, List<String>> byKind = new LinkedHashMap<>();
          for (String line : lines.subList(1, lines.size())) {
            byKind.computeIfAbsent(line.charAt(0), _ -> new ArrayList<>()).add(line.substring(2));
          }
          rows.add(new Row(lines.getFirst(), byKind));
        }
      }
      return rows;
    }

    /** The recorded reply, for a stand-in. */
    static StandInReply reply(Sample sample) {
      Map<String, String> headers = new LinkedHashMap<>();
      sample
          .response()
          .path("headers")
          .properties()
          .forEach(header -> headers.put(header.getKey(), header.getValue().asText()));
      headers.keySet().removeIf(Set.of("content-length", "transfer-encoding")::contains);
      JsonNode body = sample.body();
      String text = body.isTextual() ? body.asText() : body.toString();
      return new StandInReply(sample.response().path("status").asInt(), headers, text);
    }

    /** The texts of a failure in a reply, and the target of a redirect. */
    static Set<String> textsOfFailures(JsonNode response) {
      Set<String> texts = new TreeSet<>();
      response.path("headers").properties().stream()
          .filter(header -> header.getKey().equalsIgnoreCase("location"))
          .forEach(header -> texts.add(header.getValue().asText()));
      JsonNode body = response.path("body");
      for (String name : List.of("detail", "errors", "message", "error")) {
        body.findValues(name).forEach(found -> addLeaves(found, texts));
      }
      if (body.asText().contains("\"error\"")) {
        texts.add("Prompt template not found");
      }
      texts.removeIf(text -> text.length() < MIN_TEXT);
      return texts;
    }

    private static void addLeaves(JsonNode node, Set<String> texts) {
      if (node.isTextual()) {
        texts.add(node.asText());
      }
      // Place and kind of an error are part of the interface, not the service's text.
      node.properties().stream()
          .filter(field -> !Set.of("loc", "type").contains(field.getKey()))
          .forEach(field -> addLeaves(field.getValue(), texts));
      if (node.isArray()) {
        node.forEach(child -> addLeaves(child, texts));
      }
    }
  }
}
