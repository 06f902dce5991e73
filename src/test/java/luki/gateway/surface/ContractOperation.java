package luki.gateway.surface;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.config.Problems;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.contract.ContractDocument;
import luki.gateway.json.Json;
import luki.gateway.json.Located;
import luki.gateway.testing.TestGateway;

/** An operation of the contract in force, read from its document. */
record ContractOperation(String method, String template, Json node, Json root) {
  private static final Path DOCUMENT = Path.of("config/openapi.yaml");
  private static final Json PUBLISHED = published();
  private static final Set<String> METHODS =
      Set.of("get", "put", "post", "delete", "patch", "trace");
  private static final List<ContractOperation> ALL = read();

  /** A parameter, with references resolved. */
  record Parameter(String name, String in, boolean required, Json schema, Json example) {
    String text() {
      return example.string(example.toString());
    }
  }

  /** Its responses with the errors that the gateway adds to those of the file. */
  Json responses() {
    return PUBLISHED.at("paths").at(template).at(method.toLowerCase(Locale.ROOT)).at("responses");
  }

  /** The document as `/openapi.json` has it. */
  static Json published() {
    try {
      return ContractDocument.read(DOCUMENT, new Problems()).published();
    } catch (BadConfiguration bad) {
      throw new AssertionError(bad.problems().toString(), bad);
    }
  }

  static Json document() {
    try {
      return Located.read(DOCUMENT).root();
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    } catch (Located.Malformed malformed) {
      throw new AssertionError(malformed);
    }
  }

  static List<ContractOperation> all() {
    return ALL;
  }

  private static List<ContractOperation> read() {
    Json root = document();
    List<ContractOperation> all = new ArrayList<>();
    for (var path : root.at("paths").members().entrySet()) {
      for (var operation : path.getValue().members().entrySet()) {
        if (METHODS.contains(operation.getKey())) {
          String method = operation.getKey().toUpperCase(Locale.ROOT);
          all.add(new ContractOperation(method, path.getKey(), operation.getValue(), root));
        }
      }
    }
    // The JDK's server cannot upgrade a connection: with it the route does not exist.
    all.removeIf(operation -> operation.isUpgrade() && !TestGateway.isEdge());
    // Without its jar, which has tests of its own, there is no GraphQL.
    all.removeIf(operation -> operation.template.startsWith("/graphql"));
    return List.copyOf(all);
  }

  static ContractOperation named(String operationId) {
    return all().stream().filter(one -> one.id().equals(operationId)).findFirst().orElseThrow();
  }

  static Set<String> allScopes() {
    Set<String> scopes = new TreeSet<>();
    all().forEach(operation -> scopes.addAll(operation.scopes()));
    return scopes;
  }

  String id() {
    return node.at("operationId").string("");
  }

  boolean isPublic() {
    return gateway("access").string("").equals("public");
  }

  Set<String> scopes() {
    Set<String> scopes = new TreeSet<>();
    gateway("scopes").items().forEach(scope -> scopes.add(scope.string("")));
    return scopes;
  }

  /** What it does not say itself is its successor's. */
  private Json gateway(String key) {
    Json own = node.at("x-gateway");
    String successor = own.at("successor").string();
    return own.at(key).isMissing() && successor != null
        ? named(successor).gateway(key)
        : own.at(key);
  }

  /** Whether it belongs to version 0, whose errors have the old body. */
  boolean isOld() {
    return template.startsWith("/api/");
  }

  /** One of body, query, path, item; empty where the operation has no owner. */
  String ownerIn() {
    return gateway("owner").at("in").string("");
  }

  String ownerName() {
    return gateway("owner").at("name").string("");
  }

  /** Whether its path names a webhook or a job, which the tests of these make. */
  boolean isOfOneWebhook() {
    return template.startsWith("/v1/webhooks/") || template.startsWith("/v1/jobs/");
  }

  boolean takesBody() {
    return !node.at("requestBody").isMissing();
  }

  boolean isStream() {
    return !node.pointer("/responses/200/content/text~1event-stream").isMissing();
  }

  /** Whether its success is another protocol on the same connection. */
  boolean isUpgrade() {
    return !node.pointer("/responses/101").isMissing();
  }

  boolean isSafe() {
    return method.equals("GET");
  }

  Json resolve(Json value) {
    Json at = value;
    while (at.at("$ref").string() != null) {
      at = root.pointer(at.at("$ref").string("").substring(1));
    }
    return at;
  }

  Json bodySchema() {
    Json schema = body().at("schema");
    Json all = resolve(schema);
    Json without = schema.pointer("/not/required");
    if (without.isMissing()) {
      return all;
    }
    Json.Builder own = all.at("properties").toBuilder();
    without.items().forEach(name -> own.remove(name.string("")));
    return all.toBuilder().put("properties", own.build()).build();
  }

  Json bodyExample() {
    return exampleOf(body());
  }

  private Json body() {
    return resolve(node.at("requestBody")).at("content").at("application/json");
  }

  static Json exampleOf(Json holder) {
    if (!holder.at("example").isMissing()) {
      return holder.at("example");
    }
    return holder.at("examples").members().values().stream()
        .findFirst()
        .map(example -> example.at("value"))
        .orElse(Json.MISSING);
  }

  List<Parameter> parameters() {
    Map<String, Parameter> declared = new LinkedHashMap<>();
    Json item = root.at("paths").at(template);
    for (Json list : List.of(item.at("parameters"), node.at("parameters"))) {
      for (Json reference : list.items()) {
        Json found = resolve(reference);
        Parameter parameter =
            new Parameter(
                found.at("name").string(""),
                found.at("in").string(""),
                found.at("required").isTrue(),
                resolve(found.at("schema")),
                exampleOf(found));
        declared.put(parameter.in() + " " + parameter.name(), parameter);
      }
    }
    return List.copyOf(declared.values());
  }

  List<Parameter> parameters(String in) {
    return parameters().stream().filter(parameter -> parameter.in().equals(in)).toList();
  }

  /** The request of the examples, without a credential. */
  Ask good() {
    Ask ask = Ask.of(method, template);
    for (Parameter parameter : parameters()) {
      if (parameter.example().isMissing()) {
        throw new AssertionError(this + ": no example for " + parameter.name());
      }
      // A ticket stands in for the credential and all other parameters.
      ask = parameter.name().equals("ticket") ? ask : ask.with(parameter, parameter.text());
    }
    if (takesBody()) {
      ask = ask.json(bodyExample().toString());
    }
    return ask;
  }

  /** A request for the operation's path alone. */
  Ask bare() {
    Ask ask = Ask.of(method, template);
    for (Parameter parameter : parameters("path")) {
      ask = ask.with(parameter, parameter.text());
    }
    return ask;
  }

  /** What {@code Allow} must name for its path. */
  Set<String> allowed() {
    Set<String> allowed = new TreeSet<>(Set.of("OPTIONS"));
    for (String name : root.at("paths").at(template).members().keySet()) {
      if (METHODS.contains(name)) {
        allowed.add(name.toUpperCase(Locale.ROOT));
      }
    }
    if (allowed.contains("GET")) {
      allowed.add("HEAD");
    }
    return allowed;
  }

  @Override
  public String toString() {
    return method + " " + template;
  }
}
