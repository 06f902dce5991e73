package luki.gateway.contract;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.config.Durations;
import luki.gateway.contract.ContractDocument.Place;
import luki.gateway.contract.RequestRules.Parameter;
import luki.gateway.http.Handler;
import luki.gateway.http.Method;
import luki.gateway.http.PathPattern;
import luki.gateway.http.Policy;
import luki.gateway.http.Route;
import luki.gateway.http.Upstream;
import luki.gateway.http.UserId;
import luki.gateway.json.Json;
import luki.gateway.json.JsonSchema;
import org.jspecify.annotations.Nullable;

/** Compiles one operation: its handler, its service, its parameters, its body, its replies. */
record OperationCompiler(
    ContractDocument document, Map<String, Handler> handlers, Duration defaultDeadline) {
  /** Such as /v1/engagement/interactions, of which the service gets /interactions. */
  private static final int MIN_PASSED_ON = 3;

  private static final Set<String> KEYS =
      Set.of(
          "access",
          "scopes",
          "owner",
          "consent",
          "downstream",
          "handler",
          "deadline",
          "cost",
          "meters",
          "always_admitted",
          "successor",
          "request",
          "reply",
          "when_blank");

  /** The route, or nothing when the operation has a problem, which is then listed. */
  Optional<Route.Served> compile(
      Method method, PathPattern path, Json item, Json declared, Place at) {
    Json operation = document.inForce(declared);
    Place rules = at.at(ContractDocument.EXTENSION);
    Json extension = operation.at(ContractDocument.EXTENSION);
    if (!extension.isObject()) {
      at.problem(method + " " + path + " has no x-gateway, so no access rule");
      return Optional.empty();
    }
    for (String key : extension.members().keySet()) {
      if (!KEYS.contains(key)) {
        rules.at(key).problem(key + " is unknown in x-gateway");
      }
    }
    Handler handler = handlers.get(extension.at("handler").string(""));
    if (handler == null) {
      rules.problem("handler must be one of " + new TreeSet<>(handlers.keySet()));
    }
    String id = operation.at("operationId").string("");
    if (id.isBlank()) {
      at.problem("operationId is missing");
    }
    if (handler instanceof Handler.PassesOn && extension.at("downstream").isMissing()) {
      rules.problem("downstream is missing: the handler passes requests on to it");
    }
    if (handler instanceof Handler.PassesOn && path.segments().size() < MIN_PASSED_ON) {
      at.problem("the handler passes on what follows the path's second segment, and nothing does");
    }
    Policy policy =
        new PolicyCompiler(extension, rules, handler instanceof Handler.AsksConsent)
            .compile(operation.at("security"), path, at);
    RequestRules checked = requestRules(path, item, operation, at);
    if (policy != null && !canFind(policy.owner(), checked)) {
      rules.at("owner").problem("no valid request has an owner there: it is not declared");
    }
    Route.Operation compiled =
        new Route.Operation(
            id,
            method,
            path,
            upstream(extension.at("downstream"), rules.at("downstream")),
            deadline(extension.at("deadline"), rules.at("deadline")),
            replies(method, operation, at),
            !operation.at("requestBody").isMissing(),
            checked,
            null);
    return policy == null || handler == null
        ? Optional.empty()
        : Optional.of(new Route.Served(compiled, policy, handler));
  }

  private static boolean canFind(Policy.Owner owner, RequestRules rules) {
    return switch (owner) {
      case Policy.Owner.InBody _ -> rules.bodySchema() != null;
      case Policy.Owner.InQuery(String name) ->
          rules.parameters().stream().anyMatch(p -> p.is(name, RequestRules.In.QUERY));
      case Policy.Owner.None _, Policy.Owner.InPath _, Policy.Owner.ItemPrefix _ -> true;
    };
  }

  private static @Nullable Upstream upstream(Json label, Place at) {
    if (label.isMissing()) {
      return null;
    }
    for (Upstream upstream : Upstream.values()) {
      if (upstream.label().equals(label.string())) {
        return upstream;
      }
    }
    at.problem(
        "downstream must be one of "
            + List.of(Upstream.values()).toString().toLowerCase(Locale.ROOT));
    return null;
  }

  private Duration deadline(Json deadline, Place at) {
    if (deadline.isMissing()) {
      return defaultDeadline;
    }
    Duration duration = Durations.parse(deadline.string(""));
    if (duration == null) {
      at.problem("deadline must be a duration such as 12s or 15m");
      return defaultDeadline;
    }
    return duration;
  }

  /** Each reply has a schema; the media type of the success decides what Accept must allow. */
  private String replies(Method method, Json operation, Place at) {
    String produces = "";
    for (Map.Entry<String, Json> reply : operation.at("responses").members().entrySet()) {
      Json content = document.resolve(reply.getValue()).at("content");
      for (Map.Entry<String, Json> medium : content.members().entrySet()) {
        if (medium.getValue().at("schema").isMissing()) {
          at.at("responses").at(reply.getKey()).problem(medium.getKey() + " has no schema");
        }
        if (produces.isEmpty() && reply.getKey().startsWith("2")) {
          produces = medium.getKey();
        }
      }
    }
    if (operation.at("responses").size() == 0) {
      at.problem("responses are missing");
    }
    for (String name : ContractDocument.standardErrors(method, operation).values()) {
      if (document.root().pointer(ContractDocument.RESPONSES + name).isMissing()) {
        at.problem("components/responses must have " + name + ", a standard error");
      }
    }
    return produces.isEmpty() ? "application/json" : produces;
  }

  private RequestRules requestRules(PathPattern path, Json item, Json operation, Place at) {
    Map<String, Json> declared = new LinkedHashMap<>();
    for (Json list : List.of(item.at("parameters"), operation.at("parameters"))) {
      for (Json reference : list.items()) {
        Json parameter = document.resolve(reference);
        declared.put(
            parameter.at("in").string("") + " " + parameter.at("name").string(""), parameter);
      }
    }
    List<Parameter> parameters = new ArrayList<>();
    Json.Builder properties = Json.object();
    List<String> required = new ArrayList<>();
    for (Json declaration : declared.values()) {
      Parameter parameter = parameter(declaration, at);
      if (parameter != null) {
        parameters.add(parameter);
        properties.put(parameter.name(), declaration.at("schema"));
        if (declaration.at("required").isTrue()) {
          required.add(parameter.name());
        }
      }
    }
    for (PathPattern.Segment segment : path.segments()) {
      if (segment instanceof PathPattern.Segment.Parameter(String name)
          && parameters.stream().noneMatch(p -> p.is(name, RequestRules.In.PATH))) {
        at.problem("{" + name + "} is not declared as a path parameter");
      }
    }
    Json schema =
        Json.object()
            .put("type", "object")
            .put("properties", properties.build())
            .put("required", Json.strings(required))
            .put("additionalProperties", false)
            .build();
    return new RequestRules(parameters, schema(schema, at), body(operation, at.at("requestBody")));
  }

  private @Nullable Parameter parameter(Json declaration, Place at) {
    String name = declaration.at("name").string("");
    Json schema = declaration.at("schema");
    if (schema.isMissing() || name.isEmpty()) {
      at.problem("parameter \"" + name + "\" must have a name and a schema");
      return null;
    }
    String type = document.resolve(schema).at("type").string("");
    return switch (declaration.at("in").string("")) {
      case "path" -> new Parameter(name, RequestRules.In.PATH, type, schema.at("default"));
      case "query" -> new Parameter(name, RequestRules.In.QUERY, type, schema.at("default"));
      case "header" -> new Parameter(name, RequestRules.In.HEADER, type, schema.at("default"));
      default -> {
        at.problem("parameter \"" + name + "\" must be in path, query or header");
        yield null;
      }
    };
  }

  private @Nullable JsonSchema body(Json operation, Place at) {
    Json body = document.resolve(operation.at("requestBody"));
    if (body.isMissing()) {
      return null;
    }
    Json schema = body.at("content").at("application/json").at("schema");
    if (schema.isMissing()) {
      at.problem("must have a schema for application/json");
      return null;
    }
    return schema(schema, at);
  }

  private @Nullable JsonSchema schema(Json schema, Place at) {
    try {
      return JsonSchema.compile(
          schema, document.root().at("components"), Map.of(UserId.PATTERN, UserId::matches));
    } catch (IllegalArgumentException broken) {
      at.problem("the schema cannot be compiled");
      return null;
    }
  }
}
