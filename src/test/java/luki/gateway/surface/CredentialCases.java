package luki.gateway.surface;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.function.Consumer;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.HttpReply;

/** Wrong credentials, missing scopes and users that the caller may not act for. */
final class CredentialCases extends Cases {
  private static final String NONE = "Bearer realm=\"luki\"";
  private static final String INVALID = NONE + ", error=\"invalid_token\"";
  private static final String OTHER = MARKER + "_user";

  CredentialCases(ContractOperation operation, Callers callers) {
    super(operation, callers);
  }

  @Override
  void make() {
    if (!operation.isPublic()) {
      refused();
      malformed();
      scope();
      owner();
    }
  }

  private void refused() {
    unauthenticated("no credential", anonymous, NONE);
    String mistyped = callers.full().substring(0, 20) + "0" + callers.full().substring(20);
    for (String garbage : List.of(MARKER, "luki_" + MARKER, "eyJhbGciOiJub25lIn0.e30.", mistyped)) {
      unauthenticated("Bearer " + garbage, anonymous.as(garbage), INVALID);
      unauthenticated("X-API-Key: " + garbage, anonymous.header("X-API-Key", garbage), INVALID);
    }
    for (String scheme : List.of("Basic bWU6" + MARKER, "Negotiate", "DPoP " + callers.full())) {
      unauthenticated("scheme " + scheme, anonymous.header("Authorization", scheme), NONE);
    }
  }

  private void unauthenticated(String name, Ask ask, String challenge) {
    add(name, ask, 401, "UNAUTHENTICATED", challenged(challenge));
  }

  private static Consumer<HttpReply> challenged(String challenge) {
    return answer -> assertEquals(challenge, answer.only("WWW-Authenticate"));
  }

  private void malformed() {
    String key = callers.full();
    invalid("both credentials", good.header("X-API-Key", key));
    invalid("both credentials, garbage", anonymous.as(MARKER).header("X-API-Key", MARKER));
    invalid("two Authorization lines", good.as(key));
    invalid("two X-API-Key lines", anonymous.header("X-API-Key", key).header("X-API-Key", key));
    invalid("bare Bearer", anonymous.header("Authorization", "Bearer"));
    invalid("empty Authorization", anonymous.header("Authorization", ""));
    invalid("a token with a space", anonymous.as(key + " " + key));
    for (String name :
        List.of("api_key", "apikey", "access_token", "token", "x-api-key", "Token")) {
      invalid(name + " in the query", anonymous.query(name, key));
      invalid(name + " in the query too", good.query(name, MARKER));
    }
  }

  private void scope() {
    String scopes = String.join(" ", operation.scopes());
    String challenge = NONE + ", error=\"insufficient_scope\", scope=\"" + scopes + "\"";
    Ask ask = anonymous.as(callers.without(operation));
    add("without the scope", ask, 403, "FORBIDDEN", challenged(challenge));
  }

  private void owner() {
    String name = operation.ownerName();
    switch (operation.ownerIn()) {
      case "body" -> {
        notOwner("the body", inBody(good, name, OTHER));
        invalid("another in the query", good.query(name, OTHER));
        invalid("ours in the query only", inBody(good.query(name, Fixture.MARIA), name, OTHER));
      }
      case "query" -> {
        notOwner("the query", good.withoutQuery(name).query(name, OTHER));
        invalid("another after ours", good.query(name, OTHER));
        Ask otherFirst = good.withoutQuery(name).query(name, OTHER).query(name, Fixture.MARIA);
        invalid("ours after another", otherFirst);
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
      invalid("another's item, ours in the body", theirs);
      theirs = inBody(theirs, "user_id", OTHER);
    }
    notOwner("the path", theirs);
    invalid("another in the query", good.query("user_id", OTHER));
    if (operation.takesBody()) {
      invalid("another in the body", inBody(good, "user_id", OTHER));
    }
  }

  private void notOwner(String where, Ask ask) {
    add("another's user id in " + where, ask, 403, "NOT_OWNER");
  }

  private Ask inBody(Ask ask, String name, String user) {
    Json body = operation.bodyExample().toBuilder().put(name, user).build();
    return ask.body(body.toString());
  }
}
