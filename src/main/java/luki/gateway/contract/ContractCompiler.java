package luki.gateway.contract;

import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
  private final Map<String, Route.Served> routes = new LinkedHashMap<>();
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
    Place top = new Place(document, problems, "");
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
    root.at("paths").members().forEach((path, item) -> path(path, item, paths.at(path)));
    if (routes.isEmpty()) {
      paths.problem("paths must contain an operation");
    }
    return List.copyOf(routes.values());
  }

  private void path(String template, Json item, Place at) {
    PathPattern pattern;
    try {
      pattern = PathPattern.parse(template);
    } catch (IllegalArgumentException malformed) {
      at.problem(template + " must be a path: literals and whole {parameters} between slashes");
      return;
    }
    for (Map.Entry<String, Json> each : item.members().entrySet()) {
      Place here = at.at(each.getKey());
      Json operation = each.getValue();
      Method method = ContractDocument.methodOf(each.getKey());
      if (method != null) {
        unique(method, pattern, operation, here);
        operations
            .compile(method, pattern, item, operation, here)
            .ifPresent(route -> add(route, operation, here));
      } else if (!BESIDE_OPERATIONS.contains(each.getKey())) {
        here.problem(each.getKey() + " is unknown here");
      }
    }
  }

  private void add(Route.Served compiled, Json operation, Place at) {
    Json rules = operation.at(ContractDocument.EXTENSION);
    routes.put(
        compiled.operation().id(),
        versions.inVersion(compiled, rules, routes, at.at(ContractDocument.EXTENSION)));
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
    if (document.resolve(value).isMissing()) {
      at.at("$ref").problem("$ref " + value.at("$ref").string("") + " does not resolve");
    }
    value.members().forEach((name, member) -> references(at.at(name), member));
    List<Json> items = value.items();
    for (int i = 0; i < items.size(); i++) {
      references(at.at(Integer.toString(i)), items.get(i));
    }
  }
}
