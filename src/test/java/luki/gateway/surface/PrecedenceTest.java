package luki.gateway.surface;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.StandIns;
import luki.gateway.surface.Operation.Callers;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

/** Which error a request gets that is wrong in two ways. */
class PrecedenceTest {
  private static final int MAX_BODY_BYTES = 4096;
  private static final String LONG = " ".repeat(MAX_BODY_BYTES) + "{}";

  @AutoClose
  private static final Fixture FIXTURE =
      Fixture.start(g -> g.with("MAX_BODY_BYTES", Integer.toString(MAX_BODY_BYTES)));

  private final TestGateway gateway = FIXTURE.gateway();
  private final StandIns standIns = FIXTURE.services();
  private final Callers callers = new Callers(gateway);
  private final Operation ingest = Operation.named("ingestText");
  private final Ask anonymous = ingest.good();
  private final Ask garbage = Callers.as(anonymous, Case.MARKER);
  private final Ask unscoped = Callers.as(anonymous, callers.without(ingest));
  private final Ask good = callers.good(ingest);

  @AfterEach
  void noServiceWasCalled() {
    List<String> calls = standIns.calls();
    standIns.forget();
    assertEquals(List.of(), calls);
  }

  private void refused(int status, String code, Ask ask) {
    Envelope.holds(ask.sendTo(gateway), ask.template(), status, code);
  }

  @Test
  void ambiguousFramingComesBeforeThePath() {
    Ask signed = good.template("/nowhere").body("").header("Content-Length", "+1");
    refused(400, "INVALID_REQUEST", signed);
  }

  @Test
  void anAmbiguousPathComesBeforeAnUnknownOne() {
    refused(400, "INVALID_REQUEST", anonymous.template("/nowhere/..%2fetc"));
    refused(400, "INVALID_REQUEST", anonymous.template("/v1/chat;x").method("DELETE"));
  }

  @Test
  void anUnknownPathComesBeforeTheCredential() {
    for (Ask ask : List.of(anonymous, garbage, unscoped, good.header("X-API-Key", "x"))) {
      refused(404, "NOT_FOUND", ask.template("/v1/nowhere"));
      refused(404, "NOT_FOUND", ask.template("/v1/nowhere").body(LONG));
    }
  }

  @Test
  void theMethodComesBeforeTheCredentialAndTheBody() {
    for (Ask ask : List.of(anonymous, garbage, unscoped, good.header("X-API-Key", "x"))) {
      refused(405, "METHOD_NOT_ALLOWED", ask.method("PATCH"));
      refused(405, "METHOD_NOT_ALLOWED", ask.method("PATCH").body(LONG));
    }
  }

  @Test
  void twoCredentialsComeBeforeTheirValidity() {
    refused(400, "INVALID_REQUEST", garbage.header("X-API-Key", Case.MARKER));
    refused(400, "INVALID_REQUEST", unscoped.header("X-API-Key", Case.MARKER).body(LONG));
    refused(400, "INVALID_REQUEST", anonymous.query("token", Case.MARKER));
  }

  @Test
  void theCredentialComesBeforeEverythingInTheBody() {
    for (Ask ask : List.of(anonymous, garbage)) {
      for (Ask.Framing framing : Ask.Framing.values()) {
        refused(401, "UNAUTHENTICATED", ask.body(LONG).framing(framing));
      }
      refused(401, "UNAUTHENTICATED", ask.withoutHeader("Content-Type"));
      refused(401, "UNAUTHENTICATED", ask.body("{"));
      refused(401, "UNAUTHENTICATED", ask.query("zz", "1"));
      refused(401, "UNAUTHENTICATED", ask.body("{\"user_id\":\"anna\",\"text\":\"x\"}"));
    }
  }

  @Test
  void theScopeComesBeforeTheBody() {
    refused(403, "FORBIDDEN", unscoped.body(LONG));
    refused(403, "FORBIDDEN", unscoped.body(LONG).framing(Ask.Framing.CHUNKED));
    refused(403, "FORBIDDEN", unscoped.withoutHeader("Content-Type"));
    refused(403, "FORBIDDEN", unscoped.header("Content-Encoding", "gzip"));
    refused(403, "FORBIDDEN", unscoped.body("{"));
    refused(403, "FORBIDDEN", unscoped.body("{\"user_id\":\"anna\",\"text\":\"x\"}"));
    refused(403, "FORBIDDEN", unscoped.query("zz", "1"));
  }

  @Test
  void theLengthComesBeforeTheTypeAndTheTypeBeforeTheJson() {
    refused(413, "BODY_TOO_LARGE", good.body(LONG).withoutHeader("Content-Type"));
    refused(413, "BODY_TOO_LARGE", good.body(LONG).header("Content-Encoding", "gzip"));
    refused(413, "BODY_TOO_LARGE", good.body("{" + LONG));
    refused(415, "UNSUPPORTED_MEDIA_TYPE", good.body("{").withoutHeader("Content-Type"));
  }

  @Test
  void theJsonComesBeforeTheOwner() {
    refused(400, "INVALID_REQUEST", good.body("{\"user_id\":\"anna\",\"text\":"));
    refused(400, "INVALID_REQUEST", good.body("{\"user_id\":\"anna\",\"user_id\":\"anna\"}"));
    Ask theirs =
        Callers.as(Operation.named("eraseUser").good().path("user_id", "anna"), callers.full());
    refused(400, "INVALID_REQUEST", theirs.body("{}"));
    refused(403, "NOT_OWNER", theirs);
  }

  @Test
  void theOwnerComesBeforeTheSchema() {
    refused(403, "NOT_OWNER", good.body("{\"user_id\":\"anna\"}"));
    refused(403, "NOT_OWNER", good.body("{\"user_id\":\"anna\",\"text\":7,\"zz\":1}"));
    refused(403, "NOT_OWNER", good.body("{\"user_id\":\"anna\",\"text\":\"x\"}").query("zz", "1"));
    Ask list = callers.good(Operation.named("listItems"));
    Ask wrong = list.path("id", "anna").withoutQuery("limit").query("limit", "1000");
    refused(403, "NOT_OWNER", wrong);
  }

  @Test
  void theSchemaComesBeforeConsent() {
    Ask bob = Callers.as(anonymous, gateway.key(List.of("bob"), scopes()));
    refused(400, "INVALID_REQUEST", bob.body("{\"user_id\":\"bob\",\"text\":\"\"}"));
    refused(400, "INVALID_REQUEST", bob.body("{\"user_id\":\"bob\"}"));
  }

  @Test
  void consentComesBeforeTheService() {
    Ask bob = Callers.as(anonymous, gateway.key(List.of("bob"), scopes()));
    refused(403, "CONSENT_DENIED", bob.body("{\"user_id\":\"bob\",\"text\":\"tea\"}"));
    assertEquals(1, standIns.calls("security").size());
    assertEquals(0, standIns.calls("memory").size());
    standIns.forget();
  }

  private String[] scopes() {
    Set<String> scopes = new TreeSet<>(ingest.scopes());
    return scopes.toArray(String[]::new);
  }
}
