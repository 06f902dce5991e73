package luki.graphql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import graphql.introspection.IntrospectionQuery;
import java.time.Duration;
import java.util.List;
import luki.gateway.http.Sha256;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code /graphql} as its clients see it. */
class GraphQlTest {
  private static final String ACCEPT = "application/graphql-response+json";
  private static final String STATS =
      "query Stats($id: String!) { getUserStats(user_id: $id) { user_id total_memories } }";

  @AutoClose private static final Fixture SERVER = WithGraphQl.fixture();
  private static final TestGateway GATEWAY = SERVER.gateway();

  @BeforeEach
  void forget() {
    SERVER.forget();
  }

  private static Json request(String query, Json variables) {
    return Json.object().put("query", query).put("variables", variables).build();
  }

  private static HttpReply post(Client client, String query) {
    return client.post(
        "/graphql", Json.object().put("query", query).build().toString(), "Accept", ACCEPT);
  }

  private static HttpReply post(Client client, String query, String id) {
    Json variables = Json.object().put("id", id).build();
    return client.post("/graphql", request(query, variables).toString(), "Accept", ACCEPT);
  }

  private static String code(HttpReply reply) {
    return reply.json().pointer("/errors/0/extensions/code").string("");
  }

  private static String rule(HttpReply reply) {
    return reply.json().pointer("/errors/0/extensions/details/0/rule").string("");
  }

  @Test
  void aFieldIsTheOperationOfItsName() {
    HttpReply reply = post(GATEWAY.client("elr:read"), STATS, "maria_k").expect(200);
    assertEquals(ACCEPT + "; charset=utf-8", reply.only("Content-Type"));
    assertEquals(
        "maria_k", reply.json().pointer("/data/getUserStats/user_id").string(), reply.body());
    assertTrue(reply.json().at("errors").isMissing(), reply.body());
  }

  @Test
  void anErrorHasTheCodeAndTheTraceOfItsCall() {
    HttpReply other = post(GATEWAY.client("elr:read"), STATS, "anna").expect(200);
    assertEquals("NOT_OWNER", code(other));
    assertTrue(other.json().pointer("/data/getUserStats").isAbsent());
    assertEquals(
        other.only("X-Trace-Id"), other.json().pointer("/errors/0/extensions/trace_id").string());
    assertEquals("getUserStats", other.json().pointer("/errors/0/path/0").string());
    assertEquals("FORBIDDEN", code(post(GATEWAY.client("chat:write"), STATS, "maria_k")));
    assertEquals(List.of(), SERVER.calls("memory"));
  }

  @Test
  void oneValueUnderManyNamesTakesItsRoomBeforeItIsWritten() {
    String text = "x".repeat(45_000);
    try (Fixture small =
        WithGraphQl.fixture(gateway -> gateway.with("MAX_BUFFERED_BYTES", "4000000"))) {
      Client maria = small.gateway().client("elr:read", "elr:write");
      Json kept = Json.object().put("user_id", "maria_k").put("text", text).build();
      maria.post("/v1/elr/ingest_text", kept.toString()).expect(201);
      String once = "{listItems(id:\"maria_k\"){items{text}}}";
      HttpReply answer = post(maria, once).expect(200);
      assertTrue(answer.body().contains(text), answer.body());
      StringBuilder names = new StringBuilder();
      for (int i = 0; i < 25; i++) {
        names.append(" a").append(i).append(":text");
      }
      post(maria, once.replace("{text}", "{" + names + "}")).expect(503, "OVERLOADED");
      post(maria, once).expect(200);
    }
  }

  @Test
  void withoutACredentialNothingIsRead() {
    GATEWAY.stranger().post("/graphql", "{\"query\":\"{\"}").expect(401, "UNAUTHENTICATED");
    GATEWAY.stranger().get("/graphql/schema").expect(401, "UNAUTHENTICATED");
  }

  @Test
  void equalCallsAreMadeOnce() {
    StringBuilder query = new StringBuilder("{");
    for (int i = 0; i < 20; i++) {
      String user = i % 2 == 0 ? "maria_k" : "anna";
      query.append(" a").append(i).append(": getUserStats(user_id: \"").append(user);
      query.append("\") { user_id }");
    }
    String key = GATEWAY.key(List.of("maria_k", "anna"), "elr:read");
    HttpReply reply = post(new Client(GATEWAY, key), query.append('}').toString()).expect(200);
    assertEquals(20, reply.json().at("data").size(), reply.body());
    assertEquals(
        2, SERVER.calls("memory").stream().filter(each -> each.path().contains("stats")).count());
  }

  @Test
  void aMutationIsMadeForEachField() {
    Client client = GATEWAY.client("elr:write", "elr:read");
    HttpReply reply =
        post(
                client,
                "mutation { a: ingestText(input: {user_id: \"maria_k\", text: \"I like tea\"})"
                    + " { id } b: ingestText(input: {user_id: \"maria_k\", text: \"I like milk\"})"
                    + " { id } }")
            .expect(200);
    assertFalse(reply.json().pointer("/data/a/id").isMissing(), reply.body());
    assertFalse(reply.json().pointer("/data/a/id").equals(reply.json().pointer("/data/b/id")));
    assertEquals(
        2, SERVER.calls("memory").stream().filter(each -> each.path().contains("ingest")).count());
  }

  @Test
  void introspectionNeedsAScope() {
    String query = "{ __schema { queryType { name } } }";
    HttpReply refused = post(GATEWAY.client("elr:read"), query).expect(403);
    assertEquals("FORBIDDEN", code(refused));
    String inFragment = "query { ...a } fragment a on Query { __type(name: \"Query\") { name } }";
    assertEquals("FORBIDDEN", code(post(GATEWAY.client("elr:read"), inFragment).expect(403)));
    HttpReply allowed = post(GATEWAY.client("ops:read"), query).expect(200);
    assertEquals("Query", allowed.json().pointer("/data/__schema/queryType/name").string());
    HttpReply whole =
        post(GATEWAY.client("ops:read"), IntrospectionQuery.INTROSPECTION_QUERY).expect(200);
    assertTrue(whole.json().at("errors").isMissing(), whole.body());
    // The name of a value's type is no secret.
    post(GATEWAY.client("elr:read"), "{ __typename }").expect(200);
    GATEWAY.client("elr:read").get("/graphql/schema").expect(403, "FORBIDDEN");
    String schema = GATEWAY.client("ops:read").get("/graphql/schema").expect(200).body();
    assertTrue(schema.contains("getUserStats("), schema);
  }

  @Test
  void statusesAreThoseOfGraphQlOverHttp() {
    Client client = GATEWAY.client("elr:read");
    HttpReply invalid = post(client, "{ noSuchField }").expect(400);
    assertEquals("INVALID_REQUEST", code(invalid));
    assertTrue(invalid.json().at("data").isMissing());
    post(client, "{").expect(400);
    post(client, "query A { __typename } query B { __typename }").expect(400);
    // A variable of the wrong type.
    post(client, STATS).expect(400);
    String body = "{\"query\":\"{ noSuchField }\"}";
    HttpReply legacy = client.post("/graphql", body, "Accept", "application/json").expect(200);
    assertEquals("application/json; charset=utf-8", legacy.only("Content-Type"));
    assertEquals("INVALID_REQUEST", code(legacy));
    client.post("/graphql", body, "Accept", "text/html").expect(406, "NOT_ACCEPTABLE");
    client.post("/graphql", "{}").expect(400, "INVALID_REQUEST");
    client.post("/graphql", body, "Content-Type", "text/plain").expect(415);
    client.get("/graphql").expect(405, "METHOD_NOT_ALLOWED");
  }

  @Test
  void persistedDocumentsAreKnownByTheirHash() {
    Client client = GATEWAY.client("elr:read");
    String query = "{ getUserStats(user_id: \"maria_k\") { recent_memories } }";
    Json extensions =
        Json.object()
            .put(
                "persistedQuery",
                Json.object().put("version", 1).put("sha256Hash", Sha256.of(query)).build())
            .build();
    String alone = Json.object().put("extensions", extensions).build().toString();
    HttpReply unknown = client.post("/graphql", alone, "Accept", ACCEPT).expect(200);
    assertEquals("PERSISTED_QUERY_NOT_FOUND", code(unknown));
    assertEquals("PersistedQueryNotFound", unknown.json().pointer("/errors/0/message").string());
    Json both = Json.object().put("query", query).put("extensions", extensions).build();
    client.post("/graphql", both.toString(), "Accept", ACCEPT).expect(200);
    HttpReply known = client.post("/graphql", alone, "Accept", ACCEPT).expect(200);
    assertFalse(known.json().pointer("/data/getUserStats").isMissing(), known.body());
    String other = both.toString().replace("recent_memories", "total_memories");
    assertEquals("sha256Hash", rule(client.post("/graphql", other, "Accept", ACCEPT).expect(400)));
  }

  @Test
  void aBatchIsAnsweredAsOne() {
    Json one = request(STATS, Json.object().put("id", "maria_k").build());
    Json two = request(STATS, Json.object().put("id", "anna").build());
    HttpReply reply =
        GATEWAY
            .client("elr:read")
            .post("/graphql", Json.array(List.of(one, two)).toString(), "Accept", ACCEPT)
            .expect(200);
    assertEquals(2, reply.json().size());
    assertEquals("maria_k", reply.json().pointer("/0/data/getUserStats/user_id").string());
    assertEquals("NOT_OWNER", reply.json().pointer("/1/errors/0/extensions/code").string());
  }

  @Test
  void everyCallCountsInTheLimitOfItsCaller() {
    try (Fixture limited =
        WithGraphQl.fixture(gateway -> gateway.with("RATE_LIMIT_PER_MIN", "3"))) {
      Client client = limited.gateway().client("elr:read");
      HttpReply reply =
          post(
                  client,
                  "{ a: getUserStats(user_id: \"maria_k\") { user_id }"
                      + " b: listItems(id: \"maria_k\") { total }"
                      + " c: listItems(id: \"maria_k\", limit: 1) { total } }")
              .expect(200);
      // One for the document, two for calls.
      assertEquals(1, reply.json().at("errors").size(), reply.body());
      assertEquals("RATE_LIMITED", code(reply));
      assertFalse(
          reply.json().pointer("/errors/0/extensions/retry_after").isMissing(), reply.body());
    }
  }

  @Test
  void theLogHasALineForTheDocumentAndOneForEachCall() {
    HttpReply reply = post(GATEWAY.client("elr:read"), STATS, "maria_k").expect(200);
    String trace = reply.only("X-Trace-Id");
    List<String> lines =
        Waiting.until(
            Duration.ofSeconds(5),
            () -> GATEWAY.log().stream().filter(line -> line.contains(trace)).toList(),
            found -> found.size() == 2);
    assertTrue(lines.stream().anyMatch(line -> line.contains("\"route\":\"/graphql\"")));
  }

  @Test
  void aSubscriptionIsAChatAsEvents() {
    Client client = GATEWAY.client("chat:write");
    String query =
        "subscription($input: ChatRequestInput!) { chatStream(input: $input)"
            + " { token done meta { session_id } } }";
    Json input = Json.object().put("user_id", "maria_k").put("message", "Good morning").build();
    String body = request(query, Json.object().put("input", input).build()).toString();
    HttpReply reply =
        client.post("/graphql/stream", body, "Accept", "text/event-stream").expect(200);
    assertEquals("text/event-stream; charset=utf-8", reply.only("Content-Type"));
    String events = reply.body();
    assertTrue(
        events.startsWith("event: next\ndata: {\"data\":{\"chatStream\":{\"token\":\""), events);
    assertTrue(events.contains("\"done\":true,\"meta\":{\"session_id\":\""), events);
    assertTrue(events.endsWith("event: complete\ndata:\n\n"), events);
    HttpReply refused =
        client
            .post("/graphql/stream", body.replace("maria_k", "anna"), "Accept", "text/event-stream")
            .expect(200);
    assertTrue(refused.body().contains("NOT_OWNER"), refused.body());
    assertTrue(refused.body().endsWith("event: complete\ndata:\n\n"), refused.body());
    // Not as one reply.
    HttpReply once = client.post("/graphql", body, "Accept", ACCEPT).expect(400);
    assertEquals("operation", rule(once));
    client.post("/graphql/stream", body, "Accept", "application/json").expect(406);
    client
        .post("/graphql/stream", "{\"query\":\"{ no }\"}", "Accept", "text/event-stream")
        .expect(400);
    HttpReply query1 =
        client
            .post("/graphql/stream", "{\"query\":\"{ __typename }\"}", "Accept", "*/*")
            .expect(200);
    assertEquals(
        "event: next\ndata: {\"data\":{\"__typename\":\"Query\"}}\n\nevent: complete\ndata:\n\n",
        query1.body());
  }

  @Test
  void graphiqlNeedsNoOtherServer() {
    HttpReply page = GATEWAY.stranger().get("/graphql/ui").expect(200);
    assertTrue(page.only("Content-Security-Policy").contains("script-src 'self';"));
    assertFalse(page.body().contains("http"), page.body());
    for (String asset :
        List.of(
            "graphiql.min.js",
            "graphiql.min.css",
            "react.production.min.js",
            "react-dom.production.min.js",
            "page.js",
            "page.css")) {
      assertTrue(page.body().contains("/graphql/ui/" + asset), asset);
      GATEWAY.stranger().get("/graphql/ui/" + asset).expect(200);
    }
    GATEWAY.stranger().get("/graphql/ui/other.js").expect(404, "NOT_FOUND");
  }

  @Test
  void aReloadDerivesTheSchemaAgain() {
    try (Fixture other = WithGraphQl.fixture()) {
      TestGateway gateway = other.gateway();
      gateway.edit("max_in_flight:", "max_in_flight: 77 #");
      gateway.reload();
      assertEquals(1.0, gateway.reloads("applied"));
      post(gateway.client("elr:read"), STATS, "maria_k").expect(200);
    }
  }
}
