package luki.gateway.handler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import luki.gateway.handler.SampleReplays.Row;
import luki.gateway.handler.SampleReplays.Sample;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.RawUpstream;
import luki.gateway.standin.Seen;
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
    if (answer.header("Content-Type").orElse("").equals("text/event-stream")) {
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
    assertEquals(5, query.path("k").asInt());
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
    return RawUpstream.start(
        connection -> {
          int deletions = 0;
          while (true) {
            boolean deletion = connection.readRequest().startsWith("DELETE ");
            String body = !deletion ? "{}" : deletions == 0 ? first : none;
            deletions += deletion ? 1 : 0;
            connection.reply("200 OK", body);
          }
        });
  }

  private static String withoutQuery(String target) {
    return target.split("\\?", 2)[0];
  }

  private static String ascii(String target) {
    return URI.create(target).toASCIIString();
  }

  private static Set<String> names(JsonNode object) {
    Set<String> names = new TreeSet<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }
}
