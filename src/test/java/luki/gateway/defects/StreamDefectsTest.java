package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.HttpReply;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Events are parsed by the standard, independent of the boundaries of network reads. */
@Timeout(60)
class StreamDefectsTest {
  private static final String DONE = "data: {\"done\": true}\n\n";

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String token(String text) {
    return "data: {\"token\": \"" + text + "\"}\n\n";
  }

  private static HttpReply streamed(List<byte[]> chunks, String close) {
    return answered("200 OK", "text/event-stream; charset=utf-8", chunks, close);
  }

  private static HttpReply answered(String status, String type, List<byte[]> chunks, String close) {
    try (RawUpstream agent = RawUpstream.start(RawUpstream.stream(status, type, chunks, close));
        Fixture setting =
            Fixture.start(
                g ->
                    g.with("AGENT_URL", agent.url())
                        .yaml("first_event: 60s", "first_event: 1500ms")
                        .yaml("between_events: 120s", "between_events: 1500ms"))) {
      return setting
          .maria()
          .post("/v1/chat/stream", "{\"user_id\":\"maria_k\",\"message\":\"hi\"}");
    }
  }

  private static List<String> tokens(HttpReply answer) {
    assertEquals(200, answer.status(), answer.body());
    List<String> tokens = new ArrayList<>();
    answer
        .body()
        .lines()
        .filter(line -> line.startsWith("data: "))
        .forEach(
            line -> {
              try {
                Json data = Json.parse(bytes(line.substring("data: ".length())));
                if (!data.at("token").isMissing()) {
                  tokens.add(data.at("token").string());
                }
              } catch (InvalidJson notJson) {
                throw new AssertionError(line, notJson);
              }
            });
    return tokens;
  }

  private static void assertDone(HttpReply answer) {
    assertTrue(answer.body().contains("event: done\n"), answer.body());
    assertFalse(answer.body().contains("event: error"), answer.body());
  }

  @Test
  void R6_anEventStaysOneHoweverItsBytesAreSplit() {
    byte[] whole = bytes(token("žena") + token("🍒 cherry") + DONE);
    List<byte[]> singly = new ArrayList<>();
    for (byte b : whole) {
      singly.add(new byte[] {b});
    }
    HttpReply answer = streamed(singly, "eof");
    assertEquals(List.of("žena", "🍒 cherry"), tokens(answer));
    assertDone(answer);
  }

  @Test
  void R6_eventsInOneReadStaySeparate() {
    byte[] whole = bytes(token("a") + token("b") + token("") + token("c") + DONE);
    HttpReply answer = streamed(List.of(whole), "eof");
    assertEquals(List.of("a", "b", "", "c"), tokens(answer));
    assertDone(answer);
    List<String> ids = answer.body().lines().filter(line -> line.startsWith("id: ")).toList();
    assertEquals(List.of("id: 1", "id: 2", "id: 3", "id: 4", "id: 5"), ids);
  }

  @Test
  void R6_aCharacterMayBeSplit() {
    byte[] whole = bytes(token("🍒") + DONE);
    int inside = new String(whole, StandardCharsets.ISO_8859_1).indexOf('\u00f0') + 2;
    List<byte[]> halves =
        List.of(
            Arrays.copyOfRange(whole, 0, inside), Arrays.copyOfRange(whole, inside, whole.length));
    HttpReply answer = streamed(halves, "eof");
    assertEquals(List.of("🍒"), tokens(answer));
  }

  @ParameterizedTest
  @ValueSource(strings = {"\r\n", "\r", "\n"})
  void R6_everyLineEndCountsOnceEvenWhenSplit(String end) {
    String whole = (token("a") + token("b") + DONE).replace("\n", end);
    List<byte[]> pieces =
        Stream.of(whole.split("(?<=\r)", -1)).filter(s -> !s.isEmpty()).map(s -> bytes(s)).toList();
    HttpReply answer = streamed(pieces, "eof");
    assertEquals(List.of("a", "b"), tokens(answer));
    assertDone(answer);
  }

  @Test
  void R6_dataThatIsNoEventIsNotForwarded() {
    String noise =
        "\ufeff: comment\n\nid: 7\nretry: 1\nevent: x\n\ndata:\n\n"
            + "data: {\"other\": 1}\n\n"
            + "data: {\"token\":\ndata: \"in two lines\"}\n\n"
            + "data:{\"token\":\"no space\"}\n\n";
    HttpReply answer = streamed(List.of(bytes(noise + DONE)), "eof");
    assertEquals(List.of("in two lines", "no space"), tokens(answer));
    assertFalse(answer.body().contains("comment"), answer.body());
    assertFalse(answer.body().contains("other"), answer.body());
    assertFalse(answer.body().contains("id: 7"), answer.body());
  }

  @Test
  void R6_nothingAfterTheEndIsRead() {
    HttpReply answer = streamed(List.of(bytes(token("a") + DONE + token("late"))), "eof");
    assertEquals(List.of("a"), tokens(answer));
    assertDone(answer);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"error\": \"secret cause\"}|eof|502|DOWNSTREAM_ERROR",
        "not json, secret cause|eof|502|DOWNSTREAM_ERROR",
        "[DONE]|eof|502|DOWNSTREAM_ERROR",
        "{\"other\": \"secret cause\"}|eof|502|DOWNSTREAM_ERROR",
        "{\"done\": true}|eof|502|DOWNSTREAM_ERROR",
        "{\"other\": \"secret cause\"}|reset|502|DOWNSTREAM_UNAVAILABLE",
        "{\"other\": \"secret cause\"}|stall|504|DOWNSTREAM_TIMEOUT"
      })
  void R6_aFailureBeforeTheFirstEventIsARealStatus(
      String data, String close, int status, String code) {
    HttpReply answer =
        streamed(List.of(bytes("data: " + data + "\n\n")), close).expect(status, code);
    assertFalse(answer.body().contains("secret"), answer.body());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"error\": \"secret cause\"}|eof|DOWNSTREAM_ERROR",
        "{\"error\": {\"text\": \"secret cause\"}}|eof|DOWNSTREAM_ERROR",
        "not json, secret cause|eof|DOWNSTREAM_ERROR",
        "{\"other\": \"secret cause\"}|eof|DOWNSTREAM_ERROR",
        "{\"other\": \"secret cause\"}|reset|DOWNSTREAM_UNAVAILABLE",
        "{\"other\": \"secret cause\"}|stall|DOWNSTREAM_TIMEOUT"
      })
  void R6_aFailureAfterTheFirstEventIsOneErrorEventAndTheEnd(
      String data, String close, String code) {
    HttpReply answer = streamed(List.of(bytes(token("a")), bytes("data: " + data + "\n\n")), close);
    assertEquals(List.of("a"), tokens(answer));
    String[] parts = answer.body().split("event: error\n", -1);
    assertEquals(2, parts.length, answer.body());
    assertTrue(parts[1].contains(code), answer.body());
    assertFalse(answer.body().contains("secret"), answer.body());
    assertFalse(answer.body().contains("event: done"), answer.body());
  }

  @Test
  void R6_anEventWithoutItsBlankLineDoesNotCount() {
    String cut = token("a") + "data: {\"done\": true}\n";
    HttpReply answer = streamed(List.of(bytes(cut)), "eof");
    assertEquals(List.of("a"), tokens(answer));
    assertTrue(answer.body().contains("event: error\n"), answer.body());
  }

  @ParameterizedTest
  @CsvSource({
    "200 OK,application/json,502,DOWNSTREAM_ERROR",
    "403 Forbidden,text/event-stream,502,DOWNSTREAM_REFUSED",
    "422 Unprocessable,application/json,400,DOWNSTREAM_REJECTED",
    "500 Internal,text/event-stream,502,DOWNSTREAM_ERROR",
    "307 Temporary,text/event-stream,502,DOWNSTREAM_ERROR"
  })
  void R6_aReplyThatIsNoStreamIsARealStatus(String line, String type, int status, String code) {
    answered(line, type, List.of(bytes(token("a") + DONE)), "eof").expect(status, code);
  }
}
