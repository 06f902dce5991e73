package luki.gateway.handler;

import static luki.gateway.handler.ReceivedEvents.names;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** All forms of the agent's streams, observed or possible, and what a client gets. */
@Timeout(60)
class AgentStreamsTest {
  private static final Path STREAMS =
      Path.of("test-fixtures", "downstream-samples", "agent-streams.jsonl");
  private static final JsonMapper MAPPER = JsonMapper.builder().build();
  private static final Pattern TEXT_OF_A_FAILURE =
      Pattern.compile("\"(?:error|detail|msg|input)\"\\s*:\\s*\"([^\"]+)\"|(<html>)");

  static Stream<Arguments> everyStream() throws IOException {
    List<Arguments> all = new ArrayList<>();
    for (String line : Files.readAllLines(STREAMS)) {
      JsonNode stream = MAPPER.readTree(line);
      all.add(Arguments.of(stream.path("name").asText(), stream));
    }
    assertTrue(all.size() >= 50, "streams: " + all.size());
    return all.stream();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("everyStream")
  void R6_theClientGetsTheAgentsEventsByPostAndByGet(String name, JsonNode stream) {
    try (RawUpstream agent = agent(stream);
        TestGateway gateway = gateway(agent)) {
      Client client = gateway.client("chat:write");

      check(
          "POST " + name,
          stream,
          client.post("/v1/chat/stream", "{\"user_id\":\"maria_k\",\"message\":\"Hi\"}"));
      check(
          "GET " + name,
          stream,
          client.get("/v1/chat/stream?user_id=maria_k&message=Hi&session_id=s1"));
      assertEquals(List.of(), agent.failures());
    }
  }

  private static RawUpstream agent(JsonNode stream) {
    int status = stream.path("response").path("status").asInt();
    return RawUpstream.start(
        RawUpstream.stream(
            status + " As Observed",
            stream.path("response").path("content_type").asText(),
            chunks(stream),
            stream.path("close").asText()));
  }

  private static TestGateway gateway(RawUpstream agent) {
    return TestGateway.builder()
        .with("AGENT_URL", agent.url())
        .yaml("first_event: 60s", "first_event: 1500ms")
        .yaml("between_events: 120s", "between_events: 1s")
        .start();
  }

  private static List<byte[]> chunks(JsonNode stream) {
    boolean base64 = stream.path("encoding").asText().equals("base64");
    List<byte[]> chunks = new ArrayList<>();
    for (JsonNode chunk : stream.path("chunks")) {
      String text = chunk.asText();
      chunks.add(base64 ? Base64.getDecoder().decode(text) : text.getBytes(StandardCharsets.UTF_8));
    }
    return chunks;
  }

  private static void check(String name, JsonNode stream, HttpReply answer) {
    JsonNode expected = stream.path("expect");
    assertEquals(expected.path("status").asInt(), answer.status(), name + ": " + answer.body());
    for (String text : textsOfFailures(stream)) {
      assertFalse(answer.body().contains(text), name + " shows: " + text);
    }
    if (answer.status() == 200) {
      checkEvents(name, expected, answer);
    } else {
      checkEnvelope(name, expected, answer);
    }
  }

  private static void checkEnvelope(String name, JsonNode expected, HttpReply answer) {
    assertEquals("application/json; charset=utf-8", answer.header("Content-Type").orElse(""), name);
    assertEquals(Set.of("error"), answer.json().members().keySet(), name);
    var error = answer.json().at("error");
    assertEquals(Set.of("code", "message", "trace_id"), error.members().keySet(), name);
    assertEquals(expected.path("code").asText(), error.at("code").string(), name);
    assertFalse(error.at("message").string("").isBlank(), name);
    assertEquals(traceOf(answer), error.at("trace_id").string(), name);
  }

  private static void checkEvents(String name, JsonNode expected, HttpReply answer) {
    ReceivedEvents received = ReceivedEvents.of(answer.body());
    assertTrue(received.rest().isBlank(), name + " ends with: " + received.rest());
    checkTokens(name, expected, received);
    List<String> consecutive =
        IntStream.rangeClosed(1, received.ids().size()).mapToObj(Integer::toString).toList();
    assertEquals(consecutive, received.ids(), name);
    assertEquals(1, received.named("done") + received.named("error"), name);

    ReceivedEvents.Event last = received.last();
    assertEquals(expected.path("end").asText(), last.name(), name);
    if (last.name().equals("done")) {
      checkDone(name, expected, answer, last.data());
    } else {
      checkError(name, expected, answer, last);
    }
  }

  private static void checkTokens(String name, JsonNode expected, ReceivedEvents received) {
    List<String> tokens = received.tokens();
    if (expected.has("token_lengths")) {
      List<Integer> lengths = new ArrayList<>();
      expected.path("token_lengths").forEach(length -> lengths.add(length.asInt()));
      assertEquals(lengths, tokens.stream().map(String::length).toList(), name);
    } else if (expected.path("tokens_free").asBoolean()) {
      String text = String.join("", tokens);
      assertTrue(Set.of("\ud83c\udf75", "\uFFFD\uFFFD").contains(text), name + ": " + text);
    } else {
      List<String> wanted = new ArrayList<>();
      expected.path("tokens").forEach(token -> wanted.add(token.asText()));
      assertEquals(wanted, tokens, name);
    }
  }

  private static void checkDone(String name, JsonNode expected, HttpReply answer, JsonNode done) {
    assertEquals(Set.of("done", "tool_calls", "meta"), names(done), name);
    assertTrue(done.path("done").isBoolean() && done.path("done").asBoolean(), name);
    JsonNode calls =
        expected.has("tool_calls") ? expected.path("tool_calls") : MAPPER.createArrayNode();
    assertEquals(calls, done.path("tool_calls"), name);
    JsonNode meta = done.path("meta");
    assertEquals(Set.of("trace_id", "session_id", "memory"), names(meta), name);
    assertEquals(traceOf(answer), meta.path("trace_id").asText(), name);
    assertEquals("unavailable", meta.path("memory").asText(), name);
    assertFalse(meta.path("session_id").asText().isEmpty(), name);
  }

  private static void checkError(
      String name, JsonNode expected, HttpReply answer, ReceivedEvents.Event event) {
    assertEquals("", event.id(), name);
    assertEquals(Set.of("error"), names(event.data()), name);
    JsonNode error = event.data().path("error");
    assertEquals(Set.of("code", "message", "trace_id"), names(error), name);
    assertEquals(expected.path("code").asText(), error.path("code").asText(), name);
    assertFalse(error.path("message").asText().isBlank(), name);
    assertEquals(traceOf(answer), error.path("trace_id").asText(), name);
  }

  private static String traceOf(HttpReply answer) {
    return answer.header("X-Trace-Id").orElseThrow();
  }

  private static Set<String> textsOfFailures(JsonNode stream) {
    StringBuilder all = new StringBuilder();
    chunks(stream).forEach(chunk -> all.append(new String(chunk, StandardCharsets.UTF_8)));
    Set<String> texts = new LinkedHashSet<>();
    var matcher = TEXT_OF_A_FAILURE.matcher(all);
    while (matcher.find()) {
      texts.add(matcher.group(1) == null ? matcher.group(2) : matcher.group(1));
    }
    return texts;
  }
}
