package luki.gateway.handler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.Seen;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A user's consent is read and changed through the gateway. */
@Timeout(60)
class ConsentRouteTest {
  private static final String PATH = "/v1/users/nora/consent";
  private static final String SEARCH = "{\"user_id\":\"nora\",\"query\":\"garden\"}";
  private static final String GRANT =
      "{\"grants\":[{\"scope\":\"elr_memories\",\"purpose\":\"chat\",\"expires_in_days\":30}]}";
  private static final String REVOKE = "{\"revokes\":[\"elr_memories\"]}";

  // With a cache: a change must have effect at once all the same.
  @AutoClose
  private static final Fixture FIXTURE = Fixture.start(g -> g.with("CONSENT_CACHE_S", "30"));

  private static final Client NORA =
      FIXTURE.withKey(FIXTURE.gateway().keyWithRole(List.of("nora"), "patient"));

  @BeforeEach
  void begin() {
    FIXTURE.services().clearOverrides();
    FIXTURE.revoke("nora", "elr_memories", "analytics");
    NORA.put(PATH, "{}").expect(200);
    FIXTURE.forget();
  }

  @Test
  void whatAUserGrantsAndRevokesHasEffectAtOnce() {
    for (int i = 0; i < 2; i++) {
      NORA.post("/v1/elr/search", SEARCH).expect(403, "CONSENT_DENIED");
      NORA.put(PATH, GRANT).expect(200);
      NORA.post("/v1/elr/search", SEARCH).expect(200);
      NORA.put(PATH, REVOKE).expect(200);
    }
    NORA.post("/v1/elr/search", SEARCH).expect(403, "CONSENT_DENIED");
  }

  @Test
  void bothRoutesShowTheValidScopesAndTheRecords() {
    HttpReply changed = NORA.put(PATH, GRANT).expect(200);
    assertEquals(changed.json(), NORA.get(PATH).expect(200).json());
    assertEquals("nora", changed.json().at("user_id").string());
    assertEquals("[\"elr_memories\"]", changed.json().at("valid_scopes").toString());
    Json record = changed.json().at("records").at(0);
    assertEquals(
        List.of("scope", "status", "purpose", "legal_basis", "granted_at", "expires_at"),
        List.copyOf(record.members().keySet()));
    assertEquals("granted", record.at("status").string());
    assertEquals("chat", record.at("purpose").string());
    assertTrue(record.at("expires_at").string("").matches("\\d{4}-\\d\\d-\\d\\dT.*Z"));

    Json revoked = NORA.put(PATH, REVOKE).expect(200).json();
    assertEquals("[]", revoked.at("valid_scopes").toString());
    assertEquals("revoked", revoked.at("records").at(0).at("status").string());
    assertFalse(revoked.at("records").at(0).at("revoked_at").isMissing());
  }

  @Test
  void aUserWithoutARecordHasNoValidScope() {
    Client fresh = FIXTURE.withKey(FIXTURE.gateway().key(List.of("fresh"), "consent:read"));
    assertEquals(
        "{\"user_id\":\"fresh\",\"valid_scopes\":[],\"records\":[]}",
        fresh.get("/v1/users/fresh/consent").expect(200).body());
  }

  @Test
  void nothingOfTheCallerIsSent() {
    String both = GRANT.replace("]}", "],\"revokes\":[\"analytics\"]}");
    NORA.send("PUT", PATH, both, "User-Agent", "Browser/1", "X-Forwarded-For", "192.0.2.7");
    Seen change = FIXTURE.calls("security").getFirst();
    assertEquals("POST /consent/nora", change.method() + " " + change.path());
    assertEquals(
        "{\"grants\":[{\"scope\":\"elr_memories\",\"purpose\":\"chat\",\"expires_in_days\":30}],"
            + "\"revokes\":[{\"scope\":\"analytics\"}]}",
        change.body());
    assertEquals(Optional.empty(), change.header("X-Forwarded-For"));
    assertFalse(change.headers().toString().contains("Browser/1"));
  }

  @Test
  void revokingWhatIsNotGrantedSucceeds() {
    NORA.put(PATH, REVOKE).expect(200);
    NORA.put(PATH, "{\"revokes\":[\"elr_location\"]}").expect(200);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'valid_scopes':['elr_memories'],'errors':['grant_failed:elr_memories']}",
        "{'valid_scopes':['elr_memories'],'errors':['invalid_scope:elr_memories']}",
        "{'valid_scopes':['elr_memories'],'errors':['revoke_failed:analytics']}",
        "{'valid_scopes':['elr_memories'],'errors':['revoke_not_found:elr_memories']}",
        "{'valid_scopes':['elr_memories'],'errors':[{'code':'x'}]}",
        "{'valid_scopes':['elr_memories','analytics'],'errors':[]}",
        "{'valid_scopes':[],'errors':[]}",
        "{'valid_scopes':['elr_memories']}",
        "{'errors':[]}",
        "null"
      })
  void whatTheServiceDidNotDoIsNeverSuccess(String consent) {
    String reply = "{\"status\":\"success\",\"consent\":%s}".formatted(consent.replace('\'', '"'));
    FIXTURE.reply("security", "POST", "/consent/", 200, reply);
    String both = GRANT.replace("]}", "],\"revokes\":[\"analytics\"]}");
    NORA.put(PATH, both).expect(502, "DOWNSTREAM_ERROR");
  }

  @Test
  void anotherStatusThanSuccessIsNoSuccess() {
    String reply =
        "{\"status\":\"error\",\"consent\":{\"valid_scopes\":[\"elr_memories\"],\"errors\":[]}}";
    FIXTURE.reply("security", "POST", "/consent/", 200, reply);
    NORA.put(PATH, GRANT).expect(502, "DOWNSTREAM_ERROR");
  }

  @Test
  void recordsOfAnotherUserAreNeverShown() {
    FIXTURE.reply(
        "security",
        "GET",
        "/consent/",
        200,
        "{\"consent\":{\"valid_scopes\":[],\"consents\":[{\"user_id\":\"anna\",\"scope\":\"research\"}]}}");
    NORA.get(PATH).expect(502, "DOWNSTREAM_ERROR");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'grants':[{'scope':'everything','purpose':'x'}]}|/grants/0/scope",
        "{'grants':[{'scope':'research'}]}|/grants/0/purpose",
        "{'grants':[{'scope':'research','purpose':' '}]}|/grants/0/purpose",
        "{'grants':[{'scope':'research','purpose':'x','expires_in_days':0}]}|/grants/0/expires_in_days",
        "{'grants':[{'scope':'research','purpose':'x','actor':'anna'}]}|/grants/0/actor",
        "{'grants':[{'scope':'research','purpose':'x'},{'scope':'research','purpose':'y'}]}|/grants/1/scope",
        "{'grants':[{'scope':'research','purpose':'x'}],'revokes':['research']}|/revokes/0",
        "{'revokes':['ELR_MEMORIES']}|/revokes/0",
        "{'revokes':[{'scope':'research'}]}|/revokes/0",
        "{'ip_address':'192.0.2.7'}|/ip_address"
      })
  void aChangeThatIsNotInTheClosedVocabularyOrContradictsItselfIsRefused(
      String body, String pointer) {
    HttpReply refused = NORA.put(PATH, body.replace('\'', '"'));
    refused.expect(400, "INVALID_REQUEST");
    Json detail = refused.json().at("error").at("details").at(0);
    assertEquals(pointer, detail.at("pointer").string());
    FIXTURE.assertNothingWasCalled(body);
  }

  @Test
  void eachNeedsItsScopeAndTheUserItself() {
    Client reader = FIXTURE.withKey(FIXTURE.gateway().key(List.of("nora"), "consent:read"));
    reader.get(PATH).expect(200);
    reader.put(PATH, GRANT).expect(403, "FORBIDDEN");
    FIXTURE.forget();
    Client team = FIXTURE.withKey(FIXTURE.gateway().keyWithRole(List.of("nora"), "care_team"));
    team.get(PATH).expect(403, "FORBIDDEN");
    NORA.get("/v1/users/maria_k/consent").expect(403, "NOT_OWNER");
    NORA.put("/v1/users/maria_k/consent", GRANT).expect(403, "NOT_OWNER");
    FIXTURE.assertNothingWasCalled("not allowed");
  }

  /** As its own route: the scope is needed there too. */
  @Test
  void theOverviewShowsConsentOnlyWithItsScope() {
    Client overseer =
        FIXTURE.withKey(FIXTURE.gateway().key(List.of("nora"), "users:read", "elr:read"));
    NORA.put(PATH, GRANT).expect(200);
    Json parts = overseer.get("/v1/users/nora/overview").expect(200).json().at("parts");
    assertEquals("denied", parts.at("security").at("status").string());
    assertEquals(
        "ok",
        NORA.get("/v1/users/nora/overview").json().pointer("/parts/security/status").string());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aChangeIsSentOnceWhateverFails(boolean lost) {
    try (Fixture faulty =
        Fixture.with(
            "SECURITY_URL",
            (connection, _) -> {
              if (!lost) {
                connection.reply("503 Service Unavailable", "{}");
              }
              connection.close();
            })) {
      Client nora = faulty.withKey(faulty.gateway().keyWithRole(List.of("nora"), "patient"));
      nora.put(PATH, GRANT).expect(502);
      assertEquals(1, faulty.faultyCalls().size());
      nora.get(PATH).expect(502);
      assertEquals(3, faulty.faultyCalls().size());
    }
  }

  @Test
  void eachChangeIsAnAuditRecordAndSoIsOneThatMayHaveFailed(@TempDir Path directory)
      throws IOException, InterruptedException, InvalidJson {
    Path log = directory.resolve("audit.log");
    try (Fixture audited = Fixture.start(g -> g.with("AUDIT_FILE", log.toString()))) {
      Client nora = audited.withKey(audited.gateway().keyWithRole(List.of("nora"), "patient"));
      nora.put(PATH, GRANT.replace("]}", "],\"revokes\":[\"analytics\",\"research\"]}"))
          .expect(200);
      nora.get(PATH).expect(200);
      nora.put(PATH, "{\"revokes\":[\"nonsense\"]}").expect(400);
      audited.services().securityFault(true);
      nora.put(PATH, GRANT).expect(502, "DOWNSTREAM_ERROR");
      audited.gateway().drain();

      List<String> changes = new ArrayList<>();
      for (String line : Files.readAllLines(log)) {
        Json entry = Json.parse(line.getBytes(StandardCharsets.UTF_8));
        changes.add(
            String.join(
                " ",
                entry.at("rule").string(),
                entry.at("decision").string(),
                entry.at("subject").string(),
                entry.at("code").string()));
        assertTrue(entry.at("who").string("").matches("[0-9a-f]{16}"), line);
        assertTrue(entry.at("user").string("").matches("[0-9a-f]{16}"), line);
        assertTrue(entry.at("trace_id").string("").matches("[0-9a-f]{32}"), line);
        assertFalse(line.contains("nora") || line.contains("chat"), line);
      }
      assertEquals(
          List.of(
              "CONSENT GRANT elr_memories ",
              "CONSENT REVOKE analytics ",
              "CONSENT REVOKE research ",
              "CONSENT GRANT elr_memories DOWNSTREAM_ERROR"),
          changes);
    }
  }
}
