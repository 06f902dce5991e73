package luki.gateway.contract;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import luki.gateway.http.ApiError;
import luki.gateway.http.Exchange;
import luki.gateway.http.Query;
import luki.gateway.http.Route;
import luki.gateway.json.Json;
import luki.gateway.json.JsonSchema;
import org.jspecify.annotations.Nullable;

/** Checks parameters and body of a request against the contract's schemas. */
final class RequestRules implements Route.Rules {
  private static final Pattern INTEGER = Pattern.compile("-?(0|[1-9][0-9]{0,17})");

  private final List<Parameter> parameters;
  private final @Nullable JsonSchema parameterSchema;
  private final @Nullable JsonSchema bodySchema;

  RequestRules(
      List<Parameter> parameters,
      @Nullable JsonSchema parameterSchema,
      @Nullable JsonSchema bodySchema) {
    this.parameters = List.copyOf(parameters);
    this.parameterSchema = parameterSchema;
    this.bodySchema = bodySchema;
  }

  /** Where a parameter stands. */
  enum Place {
    PATH,
    QUERY,
    HEADER
  }

  record Parameter(String name, Place place, String type) {}

  @Override
  public List<ApiError.Detail> check(Exchange exchange) {
    List<ApiError.Detail> details = new ArrayList<>();
    Query query = exchange.request().query();
    if (!query.isWellFormed()) {
      details.add(new ApiError.Detail("", "query"));
      return details;
    }
    if (parameterSchema != null && (!parameters.isEmpty() || !query.names().isEmpty())) {
      add(details, parameterSchema.validate(values(exchange, details)));
    }
    if (bodySchema != null) {
      add(details, bodySchema.validate(exchange.json()));
    }
    return details;
  }

  /** The parameters as one object, so that one schema can judge them. */
  private Json values(Exchange exchange, List<ApiError.Detail> details) {
    Json.Builder values = Json.object();
    for (String name : exchange.request().query().names()) {
      List<String> all = exchange.request().query().all(name);
      if (all.size() > 1) {
        details.add(new ApiError.Detail("/" + name, "repeated"));
      }
      if (isKnown(name, Place.QUERY)) {
        values.put(name, typed(name, Place.QUERY, all.getFirst()));
      } else {
        // Also one that has the name of a path parameter: it does not stand for that.
        details.add(new ApiError.Detail(JsonSchema.pointerTo(name), "additionalProperties"));
      }
    }
    for (Parameter parameter : parameters) {
      switch (parameter.place()) {
        case QUERY -> {}
        case PATH ->
            values.put(
                parameter.name(),
                typed(parameter.name(), Place.PATH, exchange.pathParameter(parameter.name())));
        case HEADER -> {
          List<String> lines = exchange.request().headers().all(parameter.name());
          if (lines.size() > 1) {
            details.add(new ApiError.Detail("/" + parameter.name(), "repeated"));
          }
          if (!lines.isEmpty()) {
            values.put(parameter.name(), typed(parameter.name(), Place.HEADER, lines.getFirst()));
          }
        }
      }
    }
    return values.build();
  }

  private boolean isKnown(String name, Place place) {
    return parameters.stream().anyMatch(p -> p.place() == place && p.name().equals(name));
  }

  /** Text as the type that the contract gives it, when it is written as that type. */
  private Json typed(String name, Place place, String text) {
    for (Parameter parameter : parameters) {
      if (parameter.place() == place && parameter.name().equals(name)) {
        return switch (parameter.type()) {
          case "integer" ->
              INTEGER.matcher(text).matches() ? Json.of(Long.parseLong(text)) : Json.of(text);
          case "boolean" ->
              text.equals("true") || text.equals("false")
                  ? Json.of(text.equals("true"))
                  : Json.of(text);
          default -> Json.of(text);
        };
      }
    }
    return Json.of(text);
  }

  private static void add(List<ApiError.Detail> details, List<JsonSchema.Violation> violations) {
    for (JsonSchema.Violation violation : violations) {
      details.add(new ApiError.Detail(violation.pointer(), violation.rule()));
    }
  }
}
