package luki.gateway.contract;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import luki.gateway.config.Problems;
import luki.gateway.contract.ContractDocument.Place;
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
  private final OperationCompiler operations;
  private final VersionCompiler versions;
  private final List<Route.Served> routes = new ArrayList<>();
  private final Map<String, Route.Served> byId = new HashMap<>();
  private final Map<String, String> seenShapes = new HashMap<>();
  private final Map<String, String> seenIds = new HashMap<>();

  private ContractCompiler(
      ContractDocument document, OperationCompiler operations, VersionCompiler versions) {
    this.document = document;
    this.operations = operations;
    this.versions = versions;
  }

  /** Compiles; the routes are usable only when no problem was added. */
  public static List<Route.Served> compile(
      ContractDocument document,
      Map<String, Handler> handlers,
      Duration defaultDeadline,
      Problems problems) {
    OperationCompiler operations = new OperationCompiler(document, handlers, defaultDeadline);
    Place top = document.top(problems);
    return new ContractCompiler(document, operations, new VersionCompiler(document, top))
        .compile(top);
  }

  private List<Route.Served> compile(Place top) {
    Json root = document.root();
    if (!root.at("openapi").string("").startsWith("3.1.")) {
      top.at("openapi").problem("openapi must be 3.1.x");
    }
    references(top, root);
    Place paths = top.at("paths");
    root.at("paths")
        .members()
        .forEach((template, item) -> path(template, item, paths.at(template)));
    if (routes.isEmpty()) {
      paths.problem("paths must contain an operation");
    }
    return List.copyOf(routes);
  }

  private void path(String template, Json item, Place at) {
    PathPattern pattern;
    try {
      pattern = PathPattern.parse(template);
    } catch (IllegalArgumentException malformed) {
      at.problem(template + " must be a path: literals and whole {parameters} between slashes");
      return;
    }
    item.members()
        .forEach(
            (key, operation) -> {
              Optional<Method> method = ContractDocument.methodOf(key);
              if (method.isPresent()) {
                unique(method.get(), pattern, operation, at.at(key));
                operations
                    .compile(method.get(), pattern, item, operation, at.at(key))
                    .ifPresent(route -> add(route, operation, at.at(key)));
              } else if (!BESIDE_OPERATIONS.contains(key)) {
                at.at(key).problem(key + " is unknown here");
              }
            });
  }

  private void add(Route.Served compiled, Json operation, Place at) {
    Json rules = operation.at(ContractDocument.EXTENSION);
    Route.Served route =
        versions.inVersion(compiled, rules, byId, at.at(ContractDocument.EXTENSION));
    routes.add(route);
    byId.put(route.operation().id(), route);
  }

  private void unique(Method method, PathPattern pattern, Json operation, Place at) {
    String other = seenShapes.putIfAbsent(method + " " + pattern.shape(), at.where());
    if (other != null) {
      at.problem(method + " " + pattern + " matches the same requests as " + other);
    }
    String id = operation.at("operationId").string("");
    String same = seenIds.putIfAbsent(id, at.where());
    if (same != null) {
      at.problem("operationId " + id + " is already used by " + same);
    }
  }

  /** Every reference must resolve within this document. */
  private void references(Place at, Json value) {
    value
        .members()
        .forEach(
            (name, member) -> {
              boolean isReference = name.equals("$ref") && member.string() != null;
              if (isReference && document.resolve(value).isMissing()) {
                at.at(name).problem("$ref " + member.string() + " does not resolve");
              }
              references(at.at(name), member);
            });
    List<Json> items = value.items();
    for (int i = 0; i < items.size(); i++) {
      references(at.at(Integer.toString(i)), items.get(i));
    }
  }
}
