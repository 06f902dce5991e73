package luki.gateway.contract;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import luki.gateway.config.Problems;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.http.IdempotencyKey;
import luki.gateway.http.Method;
import luki.gateway.http.Scope;
import luki.gateway.json.Json;
import luki.gateway.json.JsonSchema;
import luki.gateway.json.Located;
import org.jspecify.annotations.Nullable;

/** The OpenAPI document as it was read, not compiled yet. */
public record ContractDocument(Located document) {
  static final String EXTENSION = "x-gateway";
  static final String RESPONSES = "/components/responses/";
  static final String VERSIONS = "x-gateway-versions";
  static final String PARAMETERS = "/components/parameters/";

  // Of each reply of a version that is to end, and of each of its callers.
  private static final List<String> ADDED =
      List.of(
          "Deprecation",
          "Sunset",
          "Link",
          "X-Request-Id",
          "X-Trace-Id",
          "RateLimit",
          "RateLimit-Policy",
          "Idempotent-Replayed");

  /** Reads the file; invalid YAML or a duplicate key is reported with file:line. */
  public static ContractDocument read(Path file, Problems problems) throws BadConfiguration {
    return new ContractDocument(problems.read(file));
  }

  /** Without the operations of handlers that are switched off. */
  public ContractDocument without(Predicate<String> handlers) {
    return new ContractDocument(document.with(new OperationFilter(handlers).without(root())));
  }

  Json root() {
    return document.root();
  }

  /** A place in the document, where a problem is reported with its file and line. */
  record Place(ContractDocument document, Problems problems, String pointer) {
    Place at(String name) {
      return new Place(document, problems, pointer + JsonSchema.pointerTo(name));
    }

    void problem(String text) {
      problems.add(where(), text);
    }

    String where() {
      return document.document.where(pointer);
    }
  }

  /** Every scope that an operation asks for, and those that hold for all operations. */
  public Set<Scope> scopes() {
    Set<Scope> scopes = new HashSet<>(Set.of(Scope.ANY_USER, Scope.FORCE_VERSION));
    for (Json operation : operations()) {
      for (Json scope : operation.at(EXTENSION).at("scopes").items()) {
        if (Scope.isValid(scope.string(""))) {
          scopes.add(new Scope(scope.string("")));
        }
      }
    }
    return scopes;
  }

  private List<Json> operations() {
    return root().at("paths").members().values().stream()
        .flatMap(path -> path.members().values().stream())
        .toList();
  }

  /** The operation as it is enforced: one with a successor has the rules of that. */
  Json inForce(Json operation) {
    Json own = operation.at(EXTENSION);
    Json found = before(operation, own.at(VersionCompiler.SUCCESSOR).string(""));
    if (found.isMissing()) {
      return operation;
    }
    Json successor = inForce(found);
    Json.Builder rules = successor.at(EXTENSION).toBuilder();
    own.members().forEach(rules::put);
    return operation.toBuilder()
        .put(EXTENSION, rules.build())
        .put("security", successor.at("security"))
        .put("deprecated", true)
        .build();
  }

  /** An operation that stands before the other: so there is no circle of successors. */
  private Json before(Json other, String id) {
    return operations().stream()
        .takeWhile(each -> !each.at("operationId").equals(other.at("operationId")))
        .filter(each -> each.at("operationId").string("").equals(id))
        .findFirst()
        .orElse(Json.MISSING);
  }

  /** The document for its readers: with the standard errors, without the gateway's own rules. */
  public Json published() {
    Json.Builder paths = Json.object();
    for (Map.Entry<String, Json> path : root().at("paths").members().entrySet()) {
      Json.Builder item = path.getValue().toBuilder();
      for (Map.Entry<String, Json> each : path.getValue().members().entrySet()) {
        Method method = methodOf(each.getKey());
        if (method != null) {
          item.put(each.getKey(), published(method, path.getKey(), inForce(each.getValue())));
        }
      }
      paths.put(path.getKey(), item.build());
    }
    Json all = paths.build();
    Json whole =
        root().toBuilder()
            .remove(VERSIONS)
            .put("paths", all)
            .put("components", withoutUnused(all.toString()))
            .build();
    return new OperationFilter(_ -> false).without(whole);
  }

  /** The components without the responses that only the source document refers to. */
  private Json withoutUnused(String paths) {
    Json components = root().at("components");
    Json.Builder responses = components.at("responses").toBuilder();
    for (String name : components.at("responses").members().keySet()) {
      if (!paths.contains("\"#" + RESPONSES + name + "\"")) {
        responses.remove(name);
      }
    }
    return components.toBuilder().put("responses", responses.build()).build();
  }

  private Json published(Method method, String path, Json operation) {
    SortedMap<String, Json> responses = new TreeMap<>();
    standardErrors(method, operation)
        .forEach((status, name) -> responses.put(status, reference(RESPONSES + name)));
    responses.putAll(operation.at("responses").members());
    Json version = versionOf(path);
    Json.Builder all = Json.object();
    responses.forEach(
        (status, response) ->
            all.put(
                status,
                version.isMissing()
                    ? response
                    : inVersion(version, status.startsWith("2"), resolve(response))));
    Json.Builder whole = operation.toBuilder().remove(EXTENSION).put("responses", all.build());
    whole.put("x-codeSamples", new CodeSample(this, method.name(), path, operation).json());
    List<Json> parameters = new ArrayList<>(operation.at("parameters").items());
    if (takesIdempotencyKey(method, operation)
        && parameters.stream()
            .noneMatch(each -> resolve(each).at("name").equals(Json.of(IdempotencyKey.FIELD)))) {
      parameters.add(reference(PARAMETERS + IdempotencyKey.FIELD));
      whole.put("parameters", Json.array(parameters));
    }
    return whole.build();
  }

  /** As {@link luki.gateway.http.Route.Served#takesIdempotencyKey}. */
  private static boolean takesIdempotencyKey(Method method, Json operation) {
    return (method == Method.POST || method == Method.PUT)
        && needsCaller(operation)
        && !isEventStream(operation);
  }

  private static boolean needsCaller(Json operation) {
    return !operation.at(EXTENSION).at("access").string("").equals("public");
  }

  static boolean isEventStream(Json operation) {
    return !operation.pointer("/responses/200/content/text~1event-stream").isMissing();
  }

  /** The declaration of the version that a path belongs to, missing where it has none. */
  Json versionOf(String path) {
    return root().at(VERSIONS).members().values().stream()
        .filter(version -> path.startsWith(version.at("prefix").string("?") + "/"))
        .findFirst()
        .orElse(Json.MISSING);
  }

  /** A reply of a version that is to end: with its headers, and its form of an error. */
  private static Json inVersion(Json version, boolean success, Json response) {
    Json.Builder headers = response.at("headers").toBuilder();
    for (String name : ADDED) {
      headers.put(name, reference("/components/headers/" + name));
    }
    Json.Builder changed = response.toBuilder().put("headers", headers.build());
    Json errors = version.at("error_schema");
    if (!success && !errors.isMissing()) {
      Json body = Json.object().put("schema", Json.object().put("$ref", errors).build()).build();
      changed.put("content", Json.object().put("application/json", body).build());
    }
    return changed.build();
  }

  private static Json reference(String pointer) {
    return Json.object().put("$ref", "#" + pointer).build();
  }

  /** Status to response, of the errors that need not be written down for an operation. */
  static Map<String, String> standardErrors(Method method, Json operation) {
    Json rules = operation.at(EXTENSION);
    Map<String, String> errors = new TreeMap<>();
    errors.put("400", "BadRequest");
    errors.put("413", "BodyTooLarge");
    errors.put("default", "Failure");
    if (!rules.at("always_admitted").isTrue()) {
      errors.put("429", "TooManyRequests");
      errors.put("503", "ServiceUnavailable");
    }
    if (needsCaller(operation)) {
      errors.put("401", "Unauthorized");
      errors.put("403", "Forbidden");
    }
    if (operation.at("deprecated").isTrue()) {
      errors.put("410", "Gone");
    }
    if (!operation.at("requestBody").isMissing()) {
      errors.put("415", "UnsupportedMediaType");
    }
    if (isEventStream(operation)) {
      errors.put("406", "NotAcceptable");
    }
    if (takesIdempotencyKey(method, operation)) {
      errors.put("409", "Conflict");
      errors.put("422", "IdempotencyMismatch");
    }
    if (!rules.at("downstream").isMissing()) {
      errors.put("409", "Conflict");
      errors.put("502", "BadGateway");
      errors.put("504", "GatewayTimeout");
    }
    return errors;
  }

  static @Nullable Method methodOf(String key) {
    return Arrays.stream(Method.values())
        .filter(method -> method.name().toLowerCase(Locale.ROOT).equals(key))
        .findFirst()
        .orElse(null);
  }

  /** What a reference into this document leads to; the value itself where it is none. */
  Json resolve(Json value) {
    String reference = value.at("$ref").string();
    if (reference == null) {
      return value;
    }
    return reference.startsWith("#/") ? root().pointer(reference.substring(1)) : Json.MISSING;
  }
}
