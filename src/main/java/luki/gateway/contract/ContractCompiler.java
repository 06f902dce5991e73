package luki.gateway.contract;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import luki.gateway.config.Problems;
import luki.gateway.http.Handler;
import luki.gateway.http.Method;
import luki.gateway.http.PathPattern;
import luki.gateway.http.Route;
import luki.gateway.json.Json;

/** Compiles the document into routes; everything inconsistent becomes a problem with file:line. */
public final class ContractCompiler {
  private static final Set<String> BESIDE_OPERATIONS =
      Set.of("summary", "description", "parameters");

  private final ContractDocument document;
  private final Problems problems;
  private final OperationCompiler operations;
  private final Map<String, String> seenShapes = new HashMap<>();
  private final Map<String, String> seenIds = new HashMap<>();

  private ContractCompiler(
      ContractDocument document,
      Map<String, Handler> handlers,
      Duration defaultDeadline,
      Problems problems) {
    this.document = document;
    this.problems = problems;
    this.operations = new OperationCompiler(document, handlers, defaultDeadline, problems);
  }

  /** Compiles; the result is usable only when no problem was added. */
  public static List<Route.Served> compile(
      ContractDocument document,
      Map<String, Handler> handlers,
      Duration defaultDeadline,
      Problems problems) {
    return new ContractCompiler(document, handlers, defaultDeadline, problems).compile();
  }

  private List<Route.Served> compile() {
    if (!document.root().at("openapi").string("").startsWith("3.1.")) {
      problem("/openapi", "openapi must be 3.1.x");
    }
    references("", document.root());
    List<Route.Served> routes = new ArrayList<>();
    document.root().at("paths").members().forEach((template, item) -> path(template, item, routes));
    if (routes.isEmpty()) {
      problem("/paths", "paths must hold an operation");
    }
    return List.copyOf(routes);
  }

  private void path(String template, Json item, List<Route.Served> routes) {
    String at = "/paths/" + template.replace("~", "~0").replace("/", "~1");
    PathPattern pattern;
    try {
      pattern = PathPattern.parse(template);
    } catch (IllegalArgumentException malformed) {
      problem(at, template + " is no path: literals and whole {parameters} between slashes");
      return;
    }
    item.members()
        .forEach(
            (key, operation) -> {
              Optional<Method> method = ContractDocument.methodOf(key);
              if (method.isPresent()) {
                String here = at + "/" + key;
                unique(method.get(), pattern, operation, here);
                operations
                    .compile(method.get(), pattern, item, operation, here)
                    .ifPresent(routes::add);
              } else if (!BESIDE_OPERATIONS.contains(key)) {
                problem(at + "/" + key, key + " is not known here");
              }
            });
  }

  private void unique(Method method, PathPattern pattern, Json operation, String at) {
    String other = seenShapes.putIfAbsent(method + " " + pattern.shape(), document.where(at));
    if (other != null) {
      problem(at, method + " " + pattern + " matches the same requests as " + other);
    }
    String id = operation.at("operationId").string("");
    String same = seenIds.putIfAbsent(id, document.where(at));
    if (same != null) {
      problem(at, "operationId " + id + " is taken by " + same);
    }
  }

  /** Every reference must lead somewhere in this document. */
  private void references(String at, Json value) {
    value
        .members()
        .forEach(
            (name, member) -> {
              String here = at + "/" + name.replace("~", "~0").replace("/", "~1");
              boolean isReference = name.equals("$ref") && member.string() != null;
              if (isReference && document.resolve(value).isMissing()) {
                problem(here, "$ref " + member.string() + " leads nowhere");
              }
              references(here, member);
            });
    List<Json> items = value.items();
    for (int i = 0; i < items.size(); i++) {
      references(at + "/" + i, items.get(i));
    }
  }

  private void problem(String pointer, String text) {
    problems.add(document.where(pointer), text);
  }
}
