package luki.gateway.contract;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import luki.gateway.http.Exchange;
import luki.gateway.http.Query;
import luki.gateway.http.Route;
import luki.gateway.json.Json;
import luki.gateway.json.JsonSchema;
import luki.gateway.json.JsonSchema.Violation;
import org.jspecify.annotations.Nullable;

/** Checks parameters and body of a request against the contract's schemas. */
record RequestRules(
    List<Parameter> parameters,
    @Nullable JsonSchema parameterSchema,
    @Nullable JsonSchema bodySchema)
    implements Route.Rules {
  private static final Pattern INTEGER = Pattern.compile("-?(0|[1-9][0-9]{0,17})");

  RequestRules {
    parameters = List.copyOf(parameters);
  }

  /** Where a request has a parameter. */
  enum In {
    PATH,
    QUERY,
    HEADER
  }

  record Parameter(String name, In in, String type, Json byDefault) {
    boolean is(String other, In place) {
      return name.equals(other) && in == place;
    }

    /** A text as the type that the contract gives it, when it is written as that type. */
    Json typed(String text) {
      if (type.equals("integer") && INTEGER.matcher(text).matches()) {
        return Json.of(Long.parseLong(text));
      }
      return type.equals("boolean") && (text.equals("true") || text.equals("false"))
          ? Json.of(text.equals("true"))
          : Json.of(text);
    }
  }

  @Override
  public List<String> checked() {
    List<String> checked = new ArrayList<>();
    for (Parameter parameter : parameters) {
      checked.add(parameter.in.name().toLowerCase(Locale.ROOT) + " " + parameter.name);
    }
    if (bodySchema != null) {
      checked.add("body");
    }
    return checked;
  }

  @Override
  public List<Violation> check(Exchange exchange) {
    List<Violation> details = new ArrayList<>();
    Query query = exchange.request().query();
    if (!query.isWellFormed()) {
      details.add(new Violation("", "query"));
      return details;
    }
    if (parameterSchema != null && (!parameters.isEmpty() || !query.names().isEmpty())) {
      details.addAll(parameterSchema.validate(values(exchange, query, details)));
    }
    if (bodySchema != null) {
      details.addAll(bodySchema.validate(exchange.json()));
    }
    return details;
  }

  /** What was sent for each parameter, or its default. Only once the request was checked. */
  Json parametersOf(Exchange exchange) {
    Json sent = values(exchange, exchange.request().query(), new ArrayList<>());
    Json.Builder all = sent.toBuilder();
    for (Parameter parameter : parameters) {
      if (sent.at(parameter.name).isMissing()) {
        all.putPresent(parameter.name, parameter.byDefault);
      }
    }
    return all.build();
  }

  /** The parameters as one object, so that one schema can check them. */
  private Json values(Exchange exchange, Query query, List<Violation> details) {
    Json.Builder values = Json.object();
    for (String name : query.names()) {
      if (query.all(name).size() > 1) {
        details.add(new Violation("/" + name, "repeated"));
      }
      if (parameters.stream().noneMatch(parameter -> parameter.is(name, In.QUERY))) {
        // Also one with the name of a path parameter: it must not replace that.
        details.add(new Violation(JsonSchema.pointerTo(name), "additionalProperties"));
      }
    }
    for (Parameter parameter : parameters) {
      String name = parameter.name;
      List<String> texts =
          switch (parameter.in) {
            case PATH -> List.of(exchange.pathParameter(name));
            case QUERY -> query.all(name);
            case HEADER -> exchange.request().headers().all(name);
          };
      if (parameter.in == In.HEADER && texts.size() > 1) {
        details.add(new Violation("/" + name, "repeated"));
      }
      if (!texts.isEmpty()) {
        values.put(name, parameter.typed(texts.getFirst()));
      }
    }
    return values.build();
  }
}
