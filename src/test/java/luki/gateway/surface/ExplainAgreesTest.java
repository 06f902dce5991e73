package luki.gateway.surface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import luki.gateway.app.Explanation;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.ErrorCode;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Unchecked;
import luki.gateway.tokens.DevIssuer;
import luki.http1.Fields;
import org.junit.jupiter.api.Test;

/** For random callers, routes and bodies, {@code explain} decides as the live gateway does. */
class ExplainAgreesTest {
  private static final int REQUESTS = 1_500;
  private static final List<String> USERS = List.of("maria_k", "anna", "bob", "x y", "");
  private static final List<String> ROLES =
      List.of("patient", "care_team", "researcher", "agent", "admin", "king");

  /** Ends of a time; the last is beyond any date. */
  private static final List<String> FRACTIONS = List.of("", "", ".5", ".123456789012", "e9");

  /** Codes that filters can refuse with; every other code comes from a handler. */
  private static final Set<ErrorCode> OF_STEPS =
      EnumSet.of(
          ErrorCode.INVALID_REQUEST,
          ErrorCode.UNAUTHENTICATED,
          ErrorCode.FORBIDDEN,
          ErrorCode.NOT_OWNER,
          ErrorCode.METHOD_NOT_ALLOWED,
          ErrorCode.NOT_ACCEPTABLE,
          ErrorCode.BODY_TOO_LARGE,
          ErrorCode.URI_TOO_LONG,
          ErrorCode.UNSUPPORTED_MEDIA_TYPE,
          ErrorCode.NOT_IMPLEMENTED,
          ErrorCode.IDENTITY_UNAVAILABLE);

  private static final List<Json> VALUES =
      List.of(
          Json.object().build(),
          Json.strings(List.of("a")),
          Json.of("anna"),
          Json.of(""),
          Json.of(-1),
          Json.of(true));

  private final Random random = new Random(20261124);

  @Test
  void explainAndTheLiveGatewayDecideAlike() throws IOException {
    // The handler of a WebSocket refuses what is no handshake, which explain does not run.
    List<ContractOperation> operations =
        ContractOperation.all().stream().filter(operation -> !operation.isUpgrade()).toList();
    Map<String, Integer> verdicts = new TreeMap<>();
    String tokens =
        "\ntokens: {role_claims: [roles, /app/role], default_roles: [researcher]}\nplans:\n";
    try (Fixture server = Fixture.start(gateway -> gateway.yaml("\nplans:\n", tokens))) {
      // The agent's reply does not depend on the filters, and a stream would only take time.
      server.reply("agent", "POST", "/", 422, "{}");
      Explanation explanation = server.gateway().explanation();
      Path keyFile = server.gateway().directory().resolve("keys.json");
      DevIssuer issuer = DevIssuer.ofFile(DevIssuer.fileBeside(keyFile));
      for (int i = 0; i < REQUESTS; i++) {
        Json claims = random.nextInt(12) == 0 ? null : claims();
        Ask ask = request(operations.get(random.nextInt(operations.size())));
        Ask sent = claims == null ? ask : ask.as(issuer.sign(claims));
        // By its claims, or by the token itself.
        Explanation.Result result =
            explanation.of(i % 2 == 0 ? asked(ask, claims) : asked(sent, null));
        HttpReply answer = sent.sendTo(server.gateway());
        String said = said(result);
        assertEquals(said, seen(answer, result), i + ": " + sent.target() + " " + claims + result);
        verdicts.merge(said, 1, Integer::sum);
      }
    }
    for (String code : List.of("pass", "UNAUTHENTICATED", "FORBIDDEN", "NOT_OWNER")) {
      assertTrue(verdicts.getOrDefault(code, 0) > 50, "too few to mean much: " + verdicts);
    }
    assertTrue(verdicts.getOrDefault("INVALID_REQUEST", 0) > 50, verdicts.toString());
  }

  @Test
  void theStepOfIdempotencySaysWhatAKeyWouldDo() throws Exception {
    Json claims = Json.object().put("sub", "maria_k").put("scope", "chat:write").build();
    Body body =
        Body.of("{\"user_id\":\"maria_k\",\"message\":\"Hi\"}".getBytes(StandardCharsets.UTF_8));
    try (Fixture server = Fixture.start()) {
      Explanation explanation = server.gateway().explanation();
      for (Fields fields : List.of(Fields.NONE, Fields.of("Idempotency-Key", "k-1"))) {
        String said =
            explanation
                .of(new Explanation.Question("POST", "/v1/chat", fields, claims, body))
                .verdicts()
                .stream()
                .filter(verdict -> verdict.step().equals("EnforceIdempotency"))
                .map(Explanation.Verdict::text)
                .findFirst()
                .orElseThrow();
        String expected = fields.size() == 0 ? "pass: no Idempotency-Key" : "not checked offline: ";
        assertTrue(said.startsWith(expected), said);
      }
    }
  }

  @Test
  void theTokenOfASubprotocolIsSeenWhereAPageInABrowserSendsIt() throws Exception {
    assumeTrue(TestGateway.isEdge(), "the JDK's server opens no WebSocket");
    try (Fixture server = Fixture.start()) {
      Fields offered =
          Fields.of(
              "Upgrade", "websocket",
              "Connection", "Upgrade",
              "Sec-WebSocket-Protocol",
                  "luki.chat.v1, bearer." + server.gateway().key(List.of("maria_k"), "chat:write"));
      Explanation explanation = server.gateway().explanation();
      for (String path : List.of("/v1/chat/ws", "/v1/usage")) {
        Explanation.Result result =
            explanation.of(new Explanation.Question("GET", path, offered, null, null));
        assertEquals(path.endsWith("ws") ? "pass" : "UNAUTHENTICATED", said(result), path);
      }
    }
  }

  @Test
  void aTicketIsNotTakenForUnknown() throws Exception {
    assumeTrue(TestGateway.isEdge(), "the JDK's server opens no WebSocket");
    try (Fixture server = Fixture.start()) {
      String target = "/v1/chat/ws?ticket=" + "A".repeat(43);
      List<Explanation.Verdict> verdicts =
          server
              .gateway()
              .explanation()
              .of(new Explanation.Question("GET", target, Fields.NONE, null, null))
              .verdicts();
      String said = verdicts.getLast().text();
      assertTrue(said.contains("the credential and the query that the ticket"), said);
    }
  }

  private static Explanation.Question asked(Ask ask, Json claims) {
    byte[] body = ask.body();
    return new Explanation.Question(
        ask.method(), ask.target(), ask.fields(), claims, body.length == 0 ? null : Body.of(body));
  }

  private static String said(Explanation.Result result) {
    ApiError refusal = result.refusal();
    return refusal == null ? "pass" : refusal.code().name();
  }

  /**
   * The same form for a reply of the live gateway: a code that no filter has means that all filters
   * let the request pass.
   */
  private static String seen(HttpReply answer, Explanation.Result result) {
    ApiError refusal = result.refusal();
    if (refusal != null && refusal.status() != answer.status()) {
      return answer.status() + " " + answer.body();
    }
    if (answer.body().startsWith("{\"detail\"")) {
      // Version 0 shows the message of the code.
      String detail = answer.json().at("detail").string("");
      return refusal != null && detail.equals(refusal.message()) ? refusal.code().name() : "pass";
    }
    if (answer.body().isEmpty() || !answer.body().startsWith("{\"error\"")) {
      return refusal == null ? "pass" : refusal.code() + "?";
    }
    String code = answer.code();
    // An unknown route and an item that a service does not have share a code.
    boolean behind =
        !OF_STEPS.contains(ErrorCode.valueOf(code))
            && !(code.equals("NOT_FOUND") && refusal != null);
    return behind ? "pass" : code;
  }

  private Json claims() {
    long now = Instant.now().getEpochSecond();
    Json.Builder claims = Json.object();
    claims.put("iss", "desk").put("sub", any(USERS));
    claims.put("aud", random.nextInt(20) == 0 ? "another" : "luki-gateway");
    claims.put("exp", number((now + (random.nextInt(20) == 0 ? -600 : 600)) + any(FRACTIONS)));
    switch (random.nextInt(9)) {
      case 0 -> claims.put("scope", 7);
      case 1 -> claims.put("scp", Json.strings(scopes(2)));
      case 2 -> claims.put("scp", String.join(" ", scopes(2))).put("permissions", scopesJson(3));
      case 3 -> claims.put("scope", scopesJson(20)).put("permissions", scopesJson(3));
      default -> claims.put("scope", String.join(" ", scopes(random.nextInt(30))));
    }
    switch (random.nextInt(6)) {
      case 0 -> claims.put("roles", Json.strings(List.of(any(ROLES))));
      case 1 -> claims.put("roles", any(ROLES));
      case 2 -> claims.put("app", Json.object().put("role", any(ROLES)).build());
      default -> {
        // No role.
      }
    }
    return claims.build();
  }

  private static Json number(String text) {
    return Unchecked.get(() -> Json.parse(text.getBytes(StandardCharsets.US_ASCII)));
  }

  private Json scopesJson(int count) {
    return Json.strings(scopes(count));
  }

  private List<String> scopes(int count) {
    List<String> all = new ArrayList<>(ContractOperation.allScopes());
    all.add("users:any");
    Set<String> some = new TreeSet<>();
    for (int i = 0; i < count; i++) {
      some.add(any(all));
    }
    return List.copyOf(some);
  }

  private <T> T any(List<T> from) {
    return from.get(random.nextInt(from.size()));
  }

  private Ask request(ContractOperation operation) {
    Ask ask = operation.good();
    return switch (random.nextInt(10)) {
      case 0 -> ask.query("zz", "1");
      case 1 -> ask.method(any(List.of("PATCH", "PUT", "DELETE", "GET", "POST", "BREW")));
      case 2 -> ask.template(operation.template() + any(tails(operation)));
      case 3 -> operation.takesBody() ? ask.body(broken(ask.body())) : withoutAll(ask, operation);
      case 4 -> operation.takesBody() ? ask.body(changed(operation)) : withoutAll(ask, operation);
      default -> ask;
    };
  }

  private static List<String> tails(ContractOperation operation) {
    // The JDK's server reads a target that begins with // as an authority and replies itself.
    return operation.template().equals("/")
        ? List.of("x", "%2f", ";a", "..")
        : List.of("/x", "/", "%2f", ";a", "/..");
  }

  private static Ask withoutAll(Ask ask, ContractOperation operation) {
    Ask bare = ask;
    for (ContractOperation.Parameter parameter : operation.parameters("query")) {
      bare = bare.withoutQuery(parameter.name());
    }
    return bare;
  }

  private String broken(byte[] body) {
    String text = new String(body, StandardCharsets.UTF_8);
    return any(List.of(text.substring(0, text.length() - 1), text + "}", "[]", "null", "7", "{}"));
  }

  private String changed(ContractOperation operation) {
    Json body = operation.bodyExample();
    String one = any(List.copyOf(body.members().keySet()));
    return body.toBuilder().put(one, any(VALUES)).build().toString();
  }
}
