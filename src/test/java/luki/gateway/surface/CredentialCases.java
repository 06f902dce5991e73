package luki.gateway.surface;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import luki.gateway.json.Json;
import luki.gateway.surface.Operation.Callers;
import luki.gateway.testing.HttpReply;

/** Wrong credentials, missing scopes and users that the caller may not act for. */
final class CredentialCases {
  private static final String NONE = "Bearer realm=\"luki\"";
  private static final String INVALID = NONE + ", error=\"invalid_token\"";
  private static final String OTHER = Case.MARKER + "_user";

  private final Operation operation;
  private final Callers callers;
  private final Ask anonymous;
  private final Ask good;
  private final List<Case> cases = new ArrayList<>();

  private CredentialCases(Operation operation, Callers callers) {
    this.operation = operation;
    this.callers = callers;
    this.anonymous = operation.good();
    this.good = callers.good(operation);
  }

  static List<Case> of(Operation operation, Callers callers) {
    CredentialCases made = new CredentialCases(operation, callers);
    if (!operation.isPublic()) {
      made.refused();
      made.malformed();
      made.scope();
      made.owner();
    }
    return made.cases;
  }

  private void refused() {
    unauthenticated("no credential", anonymous, NONE);
    String mistyped = callers.full().substring(0, 20) + "0" + callers.full().substring(20);
    for (String garbage :
        List.of(Case.MARKER, "luki_" + Case.MARKER, "eyJhbGciOiJub25lIn0.e30.", mistyped)) {
      unauthenticated("Bearer " + garbage, Callers.as(anonymous, garbage), INVALID);
      unauthenticated("X-API-Key: " + garbage, anonymous.header("X-API-Key", garbage), INVALID);
    }
    for (String scheme :
        List.of("Basic bWU6" + Case.MARKER, "Negotiate", "DPoP " + callers.full())) {
      unauthenticated("scheme " + scheme, anonymous.header("Authorization", scheme), INVALID);
    }
  }

  private void unauthenticated(String name, Ask ask, String challenge) {
    cases.add(new Case(name, ask, 401, "UNAUTHENTICATED", challenged(challenge)));
  }

  private static Consumer<HttpReply> challenged(String challenge) {
    return answer -> assertEquals(challenge, answer.only("WWW-Authenticate"));
  }

  private void malformed() {
    String key = callers.full();
    cases.add(Case.invalid("both credentials", good.header("X-API-Key", key)));
    cases.add(
        Case.invalid(
            "both credentials, garbage",
            Callers.as(anonymous, Case.MARKER).header("X-API-Key", Case.MARKER)));
    cases.add(Case.invalid("two Authorization lines", Callers.as(good, key)));
    cases.add(Case.invalid("two X-API-Key lines", twice(anonymous, "X-API-Key", key)));
    cases.add(Case.invalid("bare Bearer", anonymous.header("Authorization", "Bearer")));
    cases.add(Case.invalid("empty Authorization", anonymous.header("Authorization", "")));
    cases.add(Case.invalid("a token with a space", Callers.as(anonymous, key + " " + key)));
    for (String name :
        List.of("api_key", "apikey", "access_token", "token", "x-api-key", "Token")) {
      cases.add(Case.invalid(name + " in the query", anonymous.query(name, key)));
      cases.add(Case.invalid(name + " in the query too", good.query(name, Case.MARKER)));
    }
  }

  private static Ask twice(Ask ask, String name, String value) {
    return ask.header(name, value).header(name, value);
  }

  private void scope() {
    String challenge =
        NONE
            + ", error=\"insufficient_scope\", scope=\""
            + String.join(" ", operation.scopes())
            + "\"";
    Ask ask = Callers.as(anonymous, callers.without(operation));
    cases.add(new Case("without the scope", ask, 403, "FORBIDDEN", challenged(challenge)));
  }

  private void owner() {
    String name = operation.ownerName();
    switch (operation.ownerIn()) {
      case "body" -> {
        cases.add(notOwner("the body", inBody(good, name, OTHER)));
        cases.add(Case.invalid("another in the query", good.query(name, OTHER)));
        cases.add(
            Case.invalid(
                "ours in the query only", inBody(good.query(name, Callers.USER), name, OTHER)));
      }
      case "query" -> {
        cases.add(notOwner("the query", good.withoutQuery(name).query(name, OTHER)));
        cases.add(Case.invalid("another after ours", good.query(name, OTHER)));
        Ask otherFirst = good.withoutQuery(name).query(name, OTHER).query(name, Callers.USER);
        cases.add(Case.invalid("ours after another", otherFirst));
      }
      case "path", "item" -> inPath(name);
      default -> {}
    }
  }

  private void inPath(String name) {
    boolean item = operation.ownerIn().equals("item");
    String id = item ? OTHER + "_057def19f4ac" : OTHER;
    Ask theirs = good.path(name, id);
    if (item && operation.takesBody()) {
      cases.add(Case.invalid("another's item, ours in the body", theirs));
      theirs = inBody(theirs, "user_id", OTHER);
    }
    cases.add(notOwner("the path", theirs));
    cases.add(Case.invalid("another in the query", good.query("user_id", OTHER)));
    if (operation.takesBody()) {
      cases.add(Case.invalid("another in the body", inBody(good, "user_id", OTHER)));
    }
  }

  private static Case notOwner(String where, Ask ask) {
    return Case.of("another's user id in " + where, ask, 403, "NOT_OWNER");
  }

  private Ask inBody(Ask ask, String name, String user) {
    Json body = operation.bodyExample().toBuilder().put(name, user).build();
    return ask.body(body.toString());
  }
}
