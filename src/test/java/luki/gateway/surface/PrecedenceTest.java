package luki.gateway.surface;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import luki.gateway.standin.Fixture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

/** Which error a request gets that is wrong in two ways. */
class PrecedenceTest {
  private static final int MAX_BODY_BYTES = 4096;
  private static final String LONG = " ".repeat(MAX_BODY_BYTES) + "{}";

  @AutoClose
  private static final Fixture SERVER =
      Fixture.start(gateway -> gateway.with("MAX_BODY_BYTES", Integer.toString(MAX_BODY_BYTES)));

  private static final Callers CALLERS = new Callers(SERVER.gateway());

  private final ContractOperation ingest = ContractOperation.named("ingestText");
  private final Ask anonymous = ingest.good();
  private final Ask garbage = anonymous.as(Cases.MARKER);
  private final Ask unscoped = anonymous.as(CALLERS.without(ingest));
  private final Ask good = CALLERS.good(ingest);

  @AfterEach
  void noServiceWasCalled() {
    SERVER.assertNothingWasCalled("by a request that was refused");
  }

  private static void refused(int status, String code, Ask ask) {
    Envelope.holds(ask.sendTo(SERVER.gateway()), ask.template(), status, code);
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
    refused(400, "INVALID_REQUEST", garbage.header("X-API-Key", Cases.MARKER));
    refused(400, "INVALID_REQUEST", unscoped.header("X-API-Key", Cases.MARKER).body(LONG));
    refused(400, "INVALID_REQUEST", anonymous.query("token", Cases.MARKER));
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
    Ask theirs = CALLERS.good(ContractOperation.named("eraseUser")).path("user_id", "anna");
    refused(400, "INVALID_REQUEST", theirs.body("[]"));
    refused(403, "NOT_OWNER", theirs);
  }

  @Test
  void theOwnerComesBeforeTheSchema() {
    refused(403, "NOT_OWNER", good.body("{\"user_id\":\"anna\"}"));
    refused(403, "NOT_OWNER", good.body("{\"user_id\":\"anna\",\"text\":7,\"zz\":1}"));
    refused(403, "NOT_OWNER", good.body("{\"user_id\":\"anna\",\"text\":\"x\"}").query("zz", "1"));
    Ask list = CALLERS.good(ContractOperation.named("listItems"));
    Ask wrong = list.path("id", "anna").withoutQuery("limit").query("limit", "1000");
    refused(403, "NOT_OWNER", wrong);
  }

  @Test
  void theSchemaComesBeforeConsent() {
    Ask bob = anonymous.as(bobsKey());
    refused(400, "INVALID_REQUEST", bob.body("{\"user_id\":\"bob\",\"text\":\"\"}"));
    refused(400, "INVALID_REQUEST", bob.body("{\"user_id\":\"bob\"}"));
  }

  @Test
  void consentComesBeforeTheService() {
    Ask bob = anonymous.as(bobsKey());
    refused(403, "CONSENT_DENIED", bob.body("{\"user_id\":\"bob\",\"text\":\"tea\"}"));
    assertEquals(1, SERVER.calls("security").size());
    assertEquals(1, SERVER.calls().size());
    SERVER.forget();
  }

  private String bobsKey() {
    return SERVER.gateway().key(List.of("bob"), ingest.scopes().toArray(String[]::new));
  }
}
