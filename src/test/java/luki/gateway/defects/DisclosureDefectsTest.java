package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.RawUpstream;
import luki.gateway.standin.StandInReply;
import luki.gateway.testing.HttpReply;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What error replies and CORS headers disclose. */
@Timeout(60)
class DisclosureDefectsTest {
  private static final String APP = "https://app.example";
  private static final String LEAK = "Traceback /srv/app/main.py line 42 postgres://u:p@db";

  @AutoClose
  private final Fixture setting =
      Fixture.start(g -> g.with("CORS_ALLOWED_ORIGINS", APP + ",http://localhost:5173"));

  private static StandInReply leaking(int status) {
    return new StandInReply(
        status,
        Map.of(
            "Content-Type", "application/json",
            "Location", "http://10.0.0.7:8002/internal",
            "Set-Cookie", "session=internal",
            "X-Powered-By", "uvicorn"),
        "{\"detail\":\"" + LEAK + "\",\"input\":\"" + LEAK + "\"}");
  }

  private static void assertSilent(HttpReply answer) {
    assertFalse(answer.body().contains("Traceback"), answer.body());
    assertFalse(answer.body().contains("main.py"), answer.body());
    String headers = answer.headers().toString();
    assertFalse(headers.contains("10.0.0.7"), headers);
    assertFalse(headers.contains("internal"), headers);
    assertFalse(headers.contains("uvicorn"), headers);
    assertEquals(
        Optional.of("application/json; charset=utf-8"), answer.header("Content-Type"), headers);
  }

  @ParameterizedTest
  @CsvSource({
    "400,400,DOWNSTREAM_REJECTED",
    "401,502,DOWNSTREAM_REFUSED",
    "403,502,DOWNSTREAM_REFUSED",
    "404,404,NOT_FOUND",
    "405,502,DOWNSTREAM_ERROR",
    "409,409,DOWNSTREAM_CONFLICT",
    "418,400,DOWNSTREAM_REJECTED",
    "422,400,DOWNSTREAM_REJECTED",
    "429,429,DOWNSTREAM_BUSY",
    "307,502,DOWNSTREAM_ERROR",
    "500,502,DOWNSTREAM_ERROR",
    "503,502,DOWNSTREAM_ERROR"
  })
  void S14_theTextOfAServicesErrorIsNotPassedOn(int theirs, int ours, String code) {
    setting.services().override("engagement", "GET", "/metrics", leaking(theirs));
    HttpReply answer = setting.maria().get(Fixture.METRICS).expect(ours, code);
    assertSilent(answer);
  }

  @Test
  void S14_aMissingRouteOfAServiceIsNotReportedAsNotFound() {
    setting.services().override("agent", "POST", "/v1/chat", leaking(404));
    HttpReply answer =
        setting.maria().post("/v1/chat", Fixture.CHAT).expect(502, "DOWNSTREAM_ERROR");
    assertSilent(answer);
  }

  @Test
  void S14_aPlainTextErrorOfAServiceBecomesJson() {
    StandInReply crash =
        new StandInReply(500, Map.of("Content-Type", "text/plain"), "Traceback main.py");
    setting.services().override("memory", "POST", "/search/memories", crash);
    HttpReply answer = setting.maria().get(Fixture.ITEMS).expect(502);
    assertSilent(answer);
  }

  @Test
  void S14_theErrorTextOfAStreamIsNotPassedOn() {
    byte[] token = "data: {\"token\": \"a\"}\n\n".getBytes(StandardCharsets.UTF_8);
    byte[] error = ("data: {\"error\": \"" + LEAK + "\"}\n\n").getBytes(StandardCharsets.UTF_8);
    try (RawUpstream agent =
            RawUpstream.start(
                RawUpstream.stream("200 OK", "text/event-stream", List.of(token, error), "eof"));
        Fixture streaming = Fixture.start(g -> g.with("AGENT_URL", agent.url()))) {
      HttpReply answer = streaming.maria().post("/v1/chat/stream", Fixture.CHAT).expect(200);
      assertTrue(answer.body().contains("event: error"), answer.body());
      assertFalse(answer.body().contains("Traceback"), answer.body());
    }
  }

  @Test
  void S14_anInvalidRequestIsNotQuoted() {
    HttpReply answer =
        setting
            .maria()
            .post("/v1/elr/search", "{\"user_id\":\"maria_k\",\"query\":[\"my pin\"]}")
            .expect(400);
    assertFalse(answer.body().contains("my pin"), answer.body());
    assertTrue(answer.json().at("error").at("details").size() > 0, answer.body());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "GET|/v1/elr/items/anna|403|NOT_OWNER",
        "GET|/v1/elr/items/maria_k?limit=0|400|INVALID_REQUEST",
        "GET|/v1/elr/items/maria_k?x=1|400|INVALID_REQUEST",
        "GET|/nowhere|404|NOT_FOUND",
        "PATCH|/v1/chat|405|METHOD_NOT_ALLOWED",
        "BREW|/v1/chat|501|NOT_IMPLEMENTED",
        "POST|/v1/chat|415|UNSUPPORTED_MEDIA_TYPE"
      })
  void R1_everyErrorHasItsStatusJsonIdsAndCors(
      String method, String target, int status, String code) {
    HttpReply answer = setting.maria().send(method, target, null, "Origin", APP);
    assertRefusal(answer, status, code);
  }

  private static void assertRefusal(HttpReply answer, int status, String code) {
    assertEquals(status, answer.status(), answer.body());
    assertEquals(code, answer.code());
    assertEquals(Optional.of("application/json; charset=utf-8"), answer.header("Content-Type"));
    assertEquals(
        answer.header("X-Trace-Id").orElseThrow(),
        answer.json().at("error").at("trace_id").string());
    assertFalse(answer.json().at("error").at("message").string("").isBlank());
    assertTrue(answer.header("X-Request-Id").isPresent());
    assertEquals(Optional.of("nosniff"), answer.header("X-Content-Type-Options"));
    assertEquals(Optional.of(APP), answer.header("Access-Control-Allow-Origin"));
    assertTrue(answer.header("Access-Control-Expose-Headers").orElse("").contains("Retry-After"));
  }

  @Test
  void R1_aMissingCredentialIs401WithAChallenge() {
    HttpReply answer = setting.stranger().get(Fixture.ITEMS, "Origin", APP);
    assertRefusal(answer, 401, "UNAUTHENTICATED");
    assertTrue(answer.header("WWW-Authenticate").orElse("").startsWith("Bearer"));
  }

  @ParameterizedTest
  @CsvSource({"120,120", "1,1", "3600,3600", "3601,1", "0,1", "-5,1", "soon,1", ",1"})
  void R1_aBusyServiceIs429WithAValidRetryAfter(String theirs, String ours) {
    Map<String, String> headers = theirs == null ? Map.of() : Map.of("Retry-After", theirs);
    StandInReply busy = new StandInReply(429, headers, "{\"detail\":{\"error\":\"quota\"}}");
    setting.services().override("cognitive", "GET", "/life-story/phases", busy);
    HttpReply answer = setting.maria().get("/v1/cognitive/life-story/phases", "Origin", APP);
    assertRefusal(answer, 429, "DOWNSTREAM_BUSY");
    assertEquals(Optional.of(ours), answer.header("Retry-After"));
  }
}
