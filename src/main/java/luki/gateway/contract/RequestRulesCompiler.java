package luki.gateway.contract;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import luki.gateway.config.Problems;
import luki.gateway.http.PathPattern;
import luki.gateway.http.Route;
import luki.gateway.json.Json;
import luki.gateway.json.JsonSchema;
import org.jspecify.annotations.Nullable;

/** Compiles what an operation says of its parameters and its body. */
final class RequestRulesCompiler {
  private final ContractDocument document;
  private final Problems problems;

  RequestRulesCompiler(ContractDocument document, Problems problems) {
    this.document = document;
    this.problems = problems;
  }

  Route.Rules compile(PathPattern path, Json item, Json operation, String at) {
    List<RequestRules.Parameter> parameters = new ArrayList<>();
    Json.Builder properties = Json.object();
    List<String> required = new ArrayList<>();
    Map<String, Json> declared = new LinkedHashMap<>();
    for (Json list : List.of(item.at("parameters"), operation.at("parameters"))) {
      for (Json reference : list.items()) {
        Json parameter = document.resolve(reference);
        declared.put(
            parameter.at("in").string("") + " " + parameter.at("name").string(""), parameter);
      }
    }
    for (Json parameter : declared.values()) {
      String name = parameter.at("name").string("");
      Json schema = parameter.at("schema");
      RequestRules.Place place = placeOf(parameter.at("in").string(""), at, name);
      if (schema.isMissing() || name.isEmpty()) {
        problems.add(document.where(at), "parameter \"" + name + "\" needs a name and a schema");
      } else if (place != null) {
        parameters.add(
            new RequestRules.Parameter(
                name, place, document.resolve(schema).at("type").string("")));
        properties.put(name, schema);
        if (parameter.at("required").isTrue()) {
          required.add(name);
        }
      }
    }
    pathParametersAreDeclared(path, parameters, at);
    Json schema =
        Json.object()
            .put("type", "object")
            .put("properties", properties.build())
            .put("required", Json.strings(required))
            .put("additionalProperties", false)
            .build();
    return new RequestRules(parameters, compile(schema, at), body(operation, at));
  }

  private RequestRules.@Nullable Place placeOf(String in, String at, String name) {
    return switch (in) {
      case "path" -> RequestRules.Place.PATH;
      case "query" -> RequestRules.Place.QUERY;
      case "header" -> RequestRules.Place.HEADER;
      default -> {
        problems.add(
            document.where(at), "parameter \"" + name + "\" must be in path, query or header");
        yield null;
      }
    };
  }

  private void pathParametersAreDeclared(
      PathPattern path, List<RequestRules.Parameter> parameters, String at) {
    for (PathPattern.Segment segment : path.segments()) {
      if (segment instanceof PathPattern.Segment.Parameter(String name)
          && parameters.stream()
              .noneMatch(p -> p.place() == RequestRules.Place.PATH && p.name().equals(name))) {
        problems.add(document.where(at), "{" + name + "} is not declared as a path parameter");
      }
    }
  }

  private @Nullable JsonSchema body(Json operation, String at) {
    Json body = document.resolve(operation.at("requestBody"));
    if (body.isMissing()) {
      return null;
    }
    Json schema = body.at("content").at("application/json").at("schema");
    if (schema.isMissing()) {
      problems.add(document.where(at + "/requestBody"), "needs a schema for application/json");
      return null;
    }
    return compile(schema, at + "/requestBody");
  }

  private @Nullable JsonSchema compile(Json schema, String at) {
    try {
      return JsonSchema.compile(schema, document.root().at("components"));
    } catch (IllegalArgumentException broken) {
      problems.add(document.where(at), "the schema cannot be compiled");
      return null;
    }
  }
}
