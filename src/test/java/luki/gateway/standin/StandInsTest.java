package luki.gateway.standin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class StandInsTest {
  @AutoClose private final StandIns standIns = StandIns.start();

  @Test
  void namesAnAddressForEveryVariable() {
    assertEquals(StandIns.VARIABLES, standIns.urls().keySet());
    try (StandIns two = StandIns.start(Set.of("memory", "tokens"))) {
      assertEquals(Set.of("MEMORY_URL", "TOKEN_URL"), two.urls().keySet());
      assertThrows(IllegalArgumentException.class, () -> two.seen("agent"));
    }
  }

  @Test
  void memoryKeepsTheFirstMetadataOfATextAndLetsItOverrideTheLevels() throws Exception {
    String first =
        """
        {"user_id":"a_b","elr_data":{"content":"tea","metadata":{"sensitivity_level":"public"}}}\
        """;
    Json made = send("memory", "POST", "/ingestion/elr", first).json();
    String second = first.replace("public", "confidential");
    assertEquals(
        made.at("chunk_ids"),
        send("memory", "POST", "/ingestion/elr", second).json().at("chunk_ids"));
    String id = made.at("chunk_ids").at(0).string("");
    assertTrue(id.matches("a_b_[0-9a-f]{12}"), id);

    String all = "{\"user_id\":\"a_b\",\"query\":\" \",\"k\":1}";
    Json found = send("memory", "POST", "/search/memories", all).json();
    assertEquals(1, found.at("total_count").integer().orElseThrow());
    Json item = found.at("results").at(0);
    assertEquals("public", item.at("metadata").at("sensitivity_level").string(""));
    assertTrue(item.at("created_at").string("").matches("\\d{4}-\\d\\d-\\d\\dT[\\d:]{8}\\.\\d{6}"));
  }

  @Test
  void securityShowsTheFaultOfItsStorageOnlyToUsersWithAGrant() throws Exception {
    standIns.securityFault(true);
    String enforce =
        """
        {"user_id":"%s","requester_role":"api_gateway","requested_scopes":["elr_memories"]}\
        """;
    send("security", "POST", "/policy/enforce", enforce.formatted("anna")).expect(500);
    send("security", "POST", "/policy/enforce", enforce.formatted("bob")).expect(403);
    standIns.securityFault(false);
    send("security", "POST", "/policy/enforce", enforce.formatted("anna")).expect(200);
    standIns.revoke("anna", "elr_memories");
    send("security", "POST", "/policy/enforce", enforce.formatted("anna")).expect(403);
  }

  @Test
  void engagementRecommendsPeopleAndFailsWhereItFindsSome() throws Exception {
    Json nobody = send("engagement", "GET", "/recommendations/anna", "").json();
    assertEquals(0, nobody.at("recommendations").size());
    for (String user : List.of("anna", "maria_k", "bob")) {
      String body = "{\"user_id\":\"%s\",\"interaction_type\":\"walk\"}".formatted(user);
      send("engagement", "POST", "/interactions", body).expect(200);
    }
    send("engagement", "GET", "/recommendations/anna", "").expect(500);
    standIns.recommendationsFault(false);
    Json meant = send("engagement", "GET", "/recommendations/anna?limit=1", "").json();
    assertEquals(
        "[{\"user_id\":\"maria_k\",\"similarity_score\":1.0,\"recommendation_type\":\"user_connection\"}]",
        meant.at("recommendations").toString());
  }

  @Test
  void tokensPayOncePerKeyAndNeverWithoutOne() throws Exception {
    String body = "{\"user_id\":\"anna\",\"reason\":\"walk\",\"amount\":\"1.50\"}";
    send("tokens", "POST", "/rewards", body).expect(422);
    for (int i = 0; i < 2; i++) {
      send("tokens", "POST", "/rewards", body, "Idempotency-Key", "k1").expect(201);
    }
    Json balance = send("tokens", "GET", "/balances/anna", "").json();
    assertEquals("11.50", balance.at("balance").string(""));
  }

  @Test
  void anOfferOfH2cLosesTheBody() throws Exception {
    try (HttpClient offering = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build()) {
      HttpRequest request =
          new Client(standIns.url("security"), null).request("POST", "/policy/enforce", "{}");
      HttpResponse<String> reply = offering.send(request, BodyHandlers.ofString());
      assertEquals(422, reply.statusCode());
      Json detail = parse(reply.body()).at("detail").at(0);
      assertEquals("[\"body\"]", detail.at("loc").toString());
    }
  }

  @Test
  void recordsRequestsAndAnswersByTheLatestOverride() throws Exception {
    standIns.override("reporting", "GET", "/reports/a%2Fb", StandInReply.json(503, "{\"x\":1}"));
    standIns.override("reporting", "GET", "/reports/a%2Fb/trends?q", StandInReply.json(429, "{}"));
    send("reporting", "GET", "/reports/a%2Fb/trends?q=%C5%BE", "", "X-Probe", "test").expect(429);
    send("reporting", "GET", "/reports/a%2Fb/trends", "").expect(503);
    Seen seen = standIns.seen("reporting").getFirst();
    assertEquals("GET /reports/a%2Fb/trends?q=%C5%BE", seen.method() + " " + seen.path());
    assertEquals("test", seen.header("X-PROBE").orElse(""));
    standIns.clearOverrides();
    send("reporting", "GET", "/reports/a%2Fb/trends", "").expect(404);
    standIns.forget();
    assertEquals(List.of(), standIns.seen("reporting"));
  }

  @Test
  void theAgentRefusesAWrongSecretBeforeAnyStream() throws Exception {
    standIns.secret("s3cret");
    String body = "{\"message\":\"hi\",\"user_id\":\"anna\"}";
    send("agent", "POST", "/v1/chat/stream", body).expect(403);
    send("agent", "POST", "/v1/chat", body, "X-Internal-Secret", "s3cret").expect(200);
  }

  @Test
  void theAgentStreamsWhatItWouldSayWhole() throws Exception {
    String body =
        """
        {"message":"Kaj imam rad? 🍵","user_id":"anna",
         "context":{"memory_context":[{"content":"I like hiking"}]}}\
        """;
    Json whole = send("agent", "POST", "/v1/chat", body).json();
    String stream = send("agent", "POST", "/v1/chat/stream", body).body();
    assertTrue(stream.startsWith("data: {\"token\": \""), stream);
    assertTrue(stream.contains("\\ud83c\\udf75"), stream);
    StringBuilder joined = new StringBuilder();
    List<String> events = List.of(stream.split("\n\n"));
    for (String event : events.subList(0, events.size() - 1)) {
      joined.append(parse(event.substring("data: ".length())).at("token").string(""));
    }
    assertEquals("data: {\"done\": true}", events.getLast());
    assertEquals(whole.at("response").string(""), joined.toString());
    assertTrue(joined.indexOf("I like hiking") > 0, joined.toString());
    Waiting.until(Duration.ofSeconds(10), () -> standIns.openStreams() == 0);
    assertEquals(0, standIns.abandonedStreams());
  }

  @Test
  void theAgentStopsWhenItsClientGoes() throws Exception {
    String body = "{\"message\":\"%s\",\"user_id\":\"anna\"}".formatted("word ".repeat(200));
    HttpRequest request =
        new Client(standIns.url("agent"), null).request("POST", "/v1/chat/stream", body);
    try (Stream<String> lines = Client.http().send(request, BodyHandlers.ofLines()).body()) {
      assertTrue(lines.findFirst().orElseThrow().startsWith("data: "));
      assertEquals(1, standIns.openStreams());
    }
    long left = System.nanoTime();
    Waiting.until(Duration.ofSeconds(10), () -> standIns.abandonedStreams() == 1);
    // A pause is 60 ms; it only has to be far below the 12 s of the whole stream.
    assertTrue(System.nanoTime() - left < Duration.ofSeconds(5).toNanos());
    assertEquals(0, standIns.openStreams());
  }

  @Test
  void anUnknownRouteAndMethodAnswerAsFastApiDoes() throws Exception {
    HttpReply method = send("engagement", "DELETE", "/interactions", "");
    assertEquals("POST", method.header("Allow").orElse(""));
    assertEquals("{\"detail\":\"Method Not Allowed\"}", method.body());
    assertEquals("{\"detail\":\"Not Found\"}", send("memory", "GET", "/nope", "").body());
    HttpReply slash = send("memory", "POST", "/search/memories/", "{}").expect(307);
    String target = standIns.url("memory") + "/search/memories";
    assertEquals(target, slash.header("Location").orElse(""));
    assertFalse(slash.header("Content-Type").isPresent());
  }

  @Test
  void keepsAConnectionAfterAReplyWithAndWithoutABody() throws Exception {
    URI memory = URI.create(standIns.url("memory"));
    String host = memory.getAuthority();
    String requests =
        """
        GET /health/ HTTP/1.1
        Host: %s

        GET /health HTTP/1.1
        Host: %s

        GET /nope HTTP/1.1
        Host: %s
        Connection: close

        """
            .formatted(host, host, host)
            .replace("\n", "\r\n");
    List<String> statuses =
        Pattern.compile("HTTP/1\\.1 (\\d+)")
            .matcher(RawHttpClient.readAll(memory.getPort(), requests))
            .results()
            .map(status -> status.group(1))
            .toList();
    assertEquals(List.of("307", "200", "404"), statuses);
  }

  private static Json parse(String text) throws InvalidJson {
    return Json.parseReply(text);
  }

  private HttpReply send(
      String service, String method, String path, String body, String... headers) {
    String sent = body.isEmpty() ? null : body;
    return new Client(standIns.url(service), null).send(method, path, sent, headers);
  }

  private static final Path SAMPLES = Path.of("test-fixtures", "downstream-samples");

  @Test
  void memoryAnswersAsObserved() throws Exception {
    int replayed = 0;
    for (JsonNode pair : PythonJson.read(Files.readString(SAMPLES.resolve("memory.json")))) {
      // The startup phase is not imitated, and the gateway asks for no token.
      String note = pair.path("note").asText();
      if (!note.startsWith("during the first seconds") && !note.startsWith("service token")) {
        replay("memory", pair);
        replayed++;
      }
    }
    assertTrue(replayed > 20, "replayed " + replayed);
  }

  @Test
  void securityAnswersAsObserved() throws Exception {
    // The observed user had no consent at first; the users of the stand-in do.
    String samples =
        Files.readString(SAMPLES.resolve("security.json")).replace("maria_k", "fresh_user");
    standIns.grantUntil(Instant.EPOCH, "old_user", "elr_memories");
    int replayed = 0;
    for (JsonNode pair : PythonJson.read(samples)) {
      JsonNode request = pair.path("request");
      String path = request.path("path").asText();
      standIns.securityFault(pair.path("storage").asText().equals("default"));
      // The JDK's client sends an h2c offer of its own only; another test has that case.
      boolean offersH2c = request.path("headers").has("upgrade");
      // The gateway calls no other route; its privacy settings are not imitated.
      boolean blocked =
          pair.at("/response/body/detail/error").asText().equals("privacy_flags_denied");
      if (!path.startsWith("/privacy/") && !offersH2c && !blocked) {
        replay("security", pair);
        replayed++;
      }
    }
    assertEquals(16, replayed);
  }

  @Test
  void engagementAnswersAsObserved() throws Exception {
    // The observed service knew another user with the same kind of interaction.
    String other = "{\"user_id\":\"bob\",\"interaction_type\":\"chat\"}";
    send("engagement", "POST", "/interactions", other).expect(200);
    int replayed = 0;
    for (JsonNode pair : PythonJson.read(Files.readString(SAMPLES.resolve("engagement.json")))) {
      replay("engagement", pair);
      replayed++;
    }
    assertEquals(9, replayed);
  }

  private void replay(String service, JsonNode pair) throws Exception {
    String note = pair.path("note").asText();
    JsonNode request = pair.path("request");
    JsonNode body = request.path("body");
    String sent = body.isMissingNode() ? null : body.isTextual() ? body.asText() : body.toString();
    HttpReply reply =
        new Client(standIns.url(service), null)
            .send(request.path("method").asText(), request.path("path").asText(), sent);

    JsonNode expected = pair.path("response");
    assertEquals(expected.path("status").asInt(), reply.status(), note);
    if (expected.path("body").isObject()) {
      JsonNode actual = PythonJson.read(reply.body());
      assertEquals(names(expected.path("body")), names(actual), note);
      sameStablePart(note, expected.path("body"), actual);
    } else {
      assertEquals(expected.path("body").asText(), reply.body(), note);
    }
  }

  /** The stable parts: error details except exception texts, ids, counts, switches. */
  private static void sameStablePart(String note, JsonNode expected, JsonNode actual) {
    for (String name :
        Set.of(
            "chunk_ids",
            "success",
            "total_count",
            "deleted_count",
            "user_id",
            "allowed",
            "reason",
            "scopes_checked",
            "settings",
            "content_types",
            "interaction_count")) {
      assertEquals(expected.path(name), actual.path(name), note);
    }
    JsonNode consent = expected.path("consent");
    assertEquals(names(consent), names(actual.path("consent")), note);
    for (String list : List.of("valid_scopes", "revoked_scopes", "errors")) {
      assertEquals(consent.path(list), actual.path("consent").path(list), note);
    }
    for (String list : List.of("updated", "consents")) {
      for (int i = 0; i < consent.path(list).size(); i++) {
        JsonNode wanted = consent.path(list).path(i);
        JsonNode found = actual.path("consent").path(list).path(i);
        assertEquals(names(wanted), names(found), note);
        for (String same : List.of("scope", "status", "purpose", "granted_by", "legal_basis")) {
          assertEquals(wanted.path(same), found.path(same), note);
        }
      }
    }
    if (!note.startsWith("bad grant")) {
      assertEquals(expected.path("detail"), actual.path("detail"), note);
    }
    for (int i = 0; i < expected.path("results").size(); i++) {
      JsonNode wanted = expected.path("results").path(i);
      JsonNode found = actual.path("results").path(i);
      assertEquals(names(wanted), names(found), note);
      assertEquals(names(wanted.path("metadata")), names(found.path("metadata")), note);
    }
  }

  private static Set<String> names(JsonNode object) {
    Set<String> names = new TreeSet<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }
}
