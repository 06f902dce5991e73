package luki.gateway.surface;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Set;

/** Requests for no operation, and requests that accept no reply of the operation. */
final class RoutingCases extends Cases {
  private final Ask bare;
  private final Set<String> allowed;

  RoutingCases(ContractOperation operation, Callers callers) {
    super(operation, callers);
    this.bare = operation.bare();
    this.allowed = operation.allowed();
  }

  @Override
  void make() {
    for (String method : List.of("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE")) {
      if (!allowed.contains(method)) {
        notAllowed("method " + method, bare.method(method));
        notAllowed(method + " with a body", bare.method(method).json("{}"));
      }
    }
    for (String method : List.of("BREW", "get", "GETT", "PROPFIND")) {
      add("method " + method, bare.method(method), 501, "NOT_IMPLEMENTED");
    }
    String deeper = operation.template().replaceAll("/$", "") + "/zz/zz/" + MARKER;
    add("unknown path", bare.template(deeper), 404, "NOT_FOUND");
    add("unknown path, with a body", bare.template(deeper).json("{}"), 404, "NOT_FOUND");
    if (operation.isStream()) {
      for (String accept :
          List.of(
              "application/json",
              "text/event-stream;q=0",
              "text/event-stream; q=0.000, */*",
              "text/html, */*;q=0",
              "application/*",
              "")) {
        add("Accept: " + accept, good.header("Accept", accept), 406, "NOT_ACCEPTABLE");
      }
    }
  }

  private void notAllowed(String name, Ask ask) {
    String allow = String.join(", ", allowed);
    add(name, ask, 405, "METHOD_NOT_ALLOWED", answer -> assertEquals(allow, answer.only("Allow")));
  }
}
