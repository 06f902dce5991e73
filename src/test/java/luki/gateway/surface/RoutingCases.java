package luki.gateway.surface;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import luki.gateway.surface.Operation.Callers;

/** Requests for no operation, and requests that accept no reply of the operation. */
final class RoutingCases {
  private static final List<String> METHODS =
      List.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE");

  private RoutingCases() {}

  static List<Case> of(Operation operation, Callers callers) {
    List<Case> cases = new ArrayList<>();
    Ask bare = bare(operation);
    Set<String> allowed = allowed(operation.template());
    String allow = String.join(", ", allowed);
    for (String method : METHODS) {
      if (!allowed.contains(method) && !method.equals("HEAD")) {
        cases.add(notAllowed("method " + method, bare.method(method), allow));
        cases.add(notAllowed(method + " with a body", json(bare.method(method)), allow));
      }
    }
    for (String method : List.of("BREW", "get", "GETT", "PROPFIND")) {
      cases.add(Case.of("method " + method, bare.method(method), 501, "NOT_IMPLEMENTED"));
    }
    String deeper = operation.template().replaceAll("/$", "") + "/zz/zz/" + Case.MARKER;
    cases.add(Case.of("unknown path", bare.template(deeper), 404, "NOT_FOUND"));
    cases.add(Case.of("unknown path, with a body", json(bare.template(deeper)), 404, "NOT_FOUND"));
    if (operation.isStream()) {
      cases.addAll(unacceptable(callers.good(operation)));
    }
    return cases;
  }

  private static List<Case> unacceptable(Ask good) {
    return Stream.of(
            "application/json",
            "text/event-stream;q=0",
            "text/event-stream; q=0.000, */*",
            "text/html, */*;q=0",
            "application/*",
            "")
        .map(
            accept ->
                Case.of("Accept: " + accept, good.header("Accept", accept), 406, "NOT_ACCEPTABLE"))
        .toList();
  }

  private static Case notAllowed(String name, Ask ask, String allow) {
    return new Case(
        name, ask, 405, "METHOD_NOT_ALLOWED", answer -> assertEquals(allow, answer.only("Allow")));
  }

  private static Ask json(Ask ask) {
    return ask.header("Content-Type", "application/json").body("{}");
  }

  /** The operation's path alone. */
  static Ask bare(Operation operation) {
    Ask ask = Ask.of(operation.method(), operation.template());
    for (Operation.Parameter parameter : operation.parameters("path")) {
      ask = ask.path(parameter.name(), parameter.text());
    }
    return ask;
  }

  /** What {@code Allow} must name for a path of the contract. */
  static Set<String> allowed(String template) {
    Set<String> allowed = new TreeSet<>(Set.of("OPTIONS"));
    for (Operation operation : Operation.all()) {
      if (operation.template().equals(template)) {
        allowed.add(operation.method());
        if (operation.method().equals("GET")) {
          allowed.add("HEAD");
        }
      }
    }
    return allowed;
  }
}
