package luki.gateway.standin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class StandInsTest {
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private final StandIns standIns = StandIns.start();

  @AfterEach
  void stop() {
    standIns.close();
  }

  @AfterAll
  static void closeClient() {
    CLIENT.shutdownNow();
  }

  @Test
  void namesAnAddressForEveryVariable() {
    Set<String> variables =
        Set.of(
            "AGENT_URL",
            "MEMORY_URL",
            "COG_URL",
            "ENG_URL",
            "REP_URL",
            "SECURITY_URL",
            "TOKEN_URL");
    assertEquals(variables, standIns.urls().keySet());
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
    JsonNode made = Json.read(send("memory", "POST", "/ingestion/elr", first).body());
    String second = first.replace("public", "confidential");
    assertEquals(
        made.path("chunk_ids"),
        Json.read(send("memory", "POST", "/ingestion/elr", second).body()).path("chunk_ids"));
    String id = made.path("chunk_ids").path(0).asText();
    assertTrue(id.matches("a_b_[0-9a-f]{12}"), id);

    String all = "{\"user_id\":\"a_b\",\"query\":\" \",\"k\":1}";
    JsonNode found = Json.read(send("memory", "POST", "/search/memories", all).body());
    assertEquals(1, found.path("total_count").asInt());
    JsonNode item = found.path("results").path(0);
    assertEquals("public", item.path("metadata").path("sensitivity_level").asText());
    assertTrue(item.path("created_at").asText().matches("\\d{4}-\\d\\d-\\d\\dT[\\d:]{8}\\.\\d{6}"));
  }

  @Test
  void securityShowsTheFaultOfItsStorageOnlyToUsersWithAGrant() throws Exception {
    standIns.securityFault(true);
    String enforce =
        """
        {"user_id":"%s","requester_role":"api_gateway","requested_scopes":["elr_memories"]}\
        """;
    assertEquals(
        500, send("security", "POST", "/policy/enforce", enforce.formatted("anna")).statusCode());
    assertEquals(
        403, send("security", "POST", "/policy/enforce", enforce.formatted("bob")).statusCode());
    standIns.securityFault(false);
    assertEquals(
        200, send("security", "POST", "/policy/enforce", enforce.formatted("anna")).statusCode());
    standIns.revoke("anna", "elr_memories");
    assertEquals(
        403, send("security", "POST", "/policy/enforce", enforce.formatted("anna")).statusCode());
  }

  @Test
  void engagementRecommendsUnlessItsFaultIsOn() throws Exception {
    JsonNode meant =
        Json.read(send("engagement", "GET", "/recommendations/anna?limit=2", "").body());
    assertEquals(2, meant.path("recommendations").size());
    standIns.recommendationsFault(true);
    assertEquals(500, send("engagement", "GET", "/recommendations/anna", "").statusCode());
  }

  @Test
  void tokensPayOncePerKeyAndNeverWithoutOne() throws Exception {
    String body = "{\"user_id\":\"anna\",\"reason\":\"walk\",\"amount\":\"1.50\"}";
    assertEquals(422, send("tokens", "POST", "/rewards", body).statusCode());
    for (int i = 0; i < 2; i++) {
      HttpRequest request =
          request("tokens", "POST", "/rewards", body).header("Idempotency-Key", "k1").build();
      assertEquals(201, CLIENT.send(request, BodyHandlers.ofString()).statusCode());
    }
    JsonNode balance = Json.read(send("tokens", "GET", "/balances/anna", "").body());
    assertEquals("11.50", balance.path("balance").asText());
  }

  @Test
  void anOfferOfH2cLosesTheBody() throws Exception {
    try (HttpClient offering = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build()) {
      HttpRequest request = request("security", "POST", "/policy/enforce", "{}").build();
      HttpResponse<String> reply = offering.send(request, BodyHandlers.ofString());
      assertEquals(422, reply.statusCode());
      JsonNode detail = Json.read(reply.body()).path("detail").path(0);
      assertEquals("[\"body\"]", detail.path("loc").toString());
    }
  }

  @Test
  void recordsRequestsAndAnswersByTheLatestOverride() throws Exception {
    standIns.override("reporting", "GET", "/reports/a%2Fb", Reply.json(503, "{\"x\":1}"));
    standIns.override("reporting", "GET", "/reports/a%2Fb/trends?q", Reply.json(429, "{}"));
    assertEquals(429, send("reporting", "GET", "/reports/a%2Fb/trends?q=%C5%BE", "").statusCode());
    assertEquals(503, send("reporting", "GET", "/reports/a%2Fb/trends", "").statusCode());
    Seen seen = standIns.seen("reporting").getFirst();
    assertEquals("GET /reports/a%2Fb/trends?q=%C5%BE", seen.method() + " " + seen.path());
    assertEquals("test", seen.header("X-PROBE").orElse(""));
    standIns.clearOverrides();
    assertEquals(404, send("reporting", "GET", "/reports/a%2Fb/trends", "").statusCode());
    standIns.forget();
    assertEquals(List.of(), standIns.seen("reporting"));
  }

  @Test
  void theAgentRefusesAWrongSecretBeforeAnyStream() throws Exception {
    standIns.secret("s3cret");
    String body = "{\"message\":\"hi\",\"user_id\":\"anna\"}";
    assertEquals(403, send("agent", "POST", "/v1/chat/stream", body).statusCode());
    HttpRequest right =
        request("agent", "POST", "/v1/chat", body).header("X-Internal-Secret", "s3cret").build();
    assertEquals(200, CLIENT.send(right, BodyHandlers.ofString()).statusCode());
  }

  @Test
  void theAgentStreamsWhatItWouldSayWhole() throws Exception {
    String body =
        """
        {"message":"Kaj imam rad? 🍵","user_id":"anna",
         "context":{"memory_context":[{"content":"I like hiking"}]}}\
        """;
    JsonNode whole = Json.read(send("agent", "POST", "/v1/chat", body).body());
    String stream = send("agent", "POST", "/v1/chat/stream", body).body();
    assertTrue(stream.startsWith("data: {\"token\": \""), stream);
    assertTrue(stream.contains("\\ud83c\\udf75"), stream);
    StringBuilder joined = new StringBuilder();
    List<String> events = List.of(stream.split("\n\n"));
    for (String event : events.subList(0, events.size() - 1)) {
      joined.append(Json.read(event.substring("data: ".length())).path("token").asText());
    }
    assertEquals("data: {\"done\": true}", events.getLast());
    assertEquals(whole.path("response").asText(), joined.toString());
    assertTrue(joined.indexOf("I like hiking") > 0, joined.toString());
    Waiting.until(Duration.ofSeconds(10), () -> standIns.openStreams() == 0);
    assertEquals(0, standIns.abandonedStreams());
  }

  @Test
  void theAgentStopsWhenItsClientGoes() throws Exception {
    String body = "{\"message\":\"%s\",\"user_id\":\"anna\"}".formatted("word ".repeat(200));
    HttpRequest request = request("agent", "POST", "/v1/chat/stream", body).build();
    try (InputStream in = CLIENT.send(request, BodyHandlers.ofInputStream()).body();
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      assertTrue(lines.readLine().startsWith("data: "));
      assertEquals(1, standIns.openStreams());
    }
    long left = System.nanoTime();
    Waiting.until(Duration.ofSeconds(10), () -> standIns.abandonedStreams() == 1);
    // A pause is 60 ms; what matters is that it is far below the 12 s of the whole.
    assertTrue(System.nanoTime() - left < Duration.ofSeconds(5).toNanos());
    assertEquals(0, standIns.openStreams());
  }

  @Test
  void anUnknownRouteAndMethodAnswerAsFastApiDoes() throws Exception {
    HttpResponse<String> method = send("engagement", "DELETE", "/interactions", "");
    assertEquals("POST", method.headers().firstValue("Allow").orElse(""));
    assertEquals("{\"detail\":\"Method Not Allowed\"}", method.body());
    assertEquals("{\"detail\":\"Not Found\"}", send("memory", "GET", "/nope", "").body());
    HttpResponse<String> slash = send("memory", "POST", "/search/memories/", "{}");
    assertEquals(307, slash.statusCode());
    String target = standIns.urls().get("MEMORY_URL") + "/search/memories";
    assertEquals(target, slash.headers().firstValue("Location").orElse(""));
    assertFalse(slash.headers().firstValue("Content-Type").isPresent());
  }

  @Test
  void keepsAConnectionAfterAReplyWithAndWithoutABody() throws Exception {
    URI memory = URI.create(standIns.urls().getOrDefault("MEMORY_URL", ""));
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

  private HttpResponse<String> send(String service, String method, String path, String body)
      throws Exception {
    return CLIENT.send(request(service, method, path, body).build(), BodyHandlers.ofString());
  }

  private HttpRequest.Builder request(String service, String method, String path, String body) {
    return request(standIns, service, method, path, body);
  }

  static HttpRequest.Builder request(
      StandIns standIns, String service, String method, String path, String body) {
    String variable =
        switch (service) {
          case "engagement" -> "ENG_URL";
          case "reporting" -> "REP_URL";
          case "tokens" -> "TOKEN_URL";
          default -> service.toUpperCase(Locale.ROOT) + "_URL";
        };
    return HttpRequest.newBuilder(URI.create(standIns.urls().get(variable) + path))
        .header("X-Probe", "test")
        .header("Content-Type", "application/json")
        .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
  }
}
