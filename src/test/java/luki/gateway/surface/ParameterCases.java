package luki.gateway.surface;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Parameters in path, query and header that the contract does not allow. */
final class ParameterCases extends Cases {
  private static final String KEY = "Idempotency-Key";

  ParameterCases(ContractOperation operation, Callers callers) {
    super(operation, callers);
  }

  @Override
  void make() {
    query();
    elsewhere();
    path();
    headers();
  }

  private void query() {
    invalidAt("unknown", good.query("zz", MARKER), "/zz");
    invalid("unknown without a name", good.query("", MARKER));
    invalid("not UTF-8", good.template(operation.template() + "?zz=%ff"));
    for (ContractOperation.Parameter parameter : operation.parameters("query")) {
      String name = parameter.name();
      Ask without = good.withoutQuery(name);
      String at = "/" + name;
      if (!name.equals("ticket")) {
        // No good request has both a ticket and anything else.
        invalidAt("repeated " + name, good.query(name, parameter.text()), at);
      }
      invalid("upper case " + name, good.query(name.toUpperCase(Locale.ROOT), "1"));
      if (parameter.required()) {
        invalidAt("no " + name, without, at);
      }
      for (String value : wrong(parameter)) {
        String shown = value.length() < 30 ? value : value.length() + " characters";
        invalidAt(name + "=" + shown, without.query(name, value), at);
      }
    }
  }

  private static List<String> wrong(ContractOperation.Parameter parameter) {
    List<String> wrong = new ArrayList<>(List.of(""));
    if (parameter.schema().at("type").string("").equals("string")
        && parameter.schema().at("minLength").isMissing()) {
      wrong.clear(); // An empty text is allowed.
    }
    switch (parameter.schema().at("type").string("")) {
      case "integer" -> {
        wrong.addAll(
            List.of(MARKER, "1.5", "1e1", " 1", "+1", "01", "0x1", "١", "true", "9".repeat(400)));
        parameter.schema().at("minimum").integer().ifPresent(n -> wrong.add("" + (n - 1)));
        parameter.schema().at("maximum").integer().ifPresent(n -> wrong.add("" + (n + 1)));
      }
      case "boolean" -> wrong.addAll(List.of(MARKER, "1", "0", "yes", "TRUE", " true"));
      default -> {
        long most = parameter.schema().at("maxLength").integer().orElse(Long.MAX_VALUE);
        if (most < 7_000) {
          wrong.add("x".repeat((int) most + 1));
        }
      }
    }
    return wrong;
  }

  /** A path parameter or a header is no query parameter of the same name. */
  private void elsewhere() {
    for (ContractOperation.Parameter parameter : operation.parameters()) {
      String name = parameter.name();
      boolean known = operation.parameters("query").stream().anyMatch(q -> q.name().equals(name));
      if (!known) {
        String title = parameter.in() + " parameter " + name + " in the query";
        invalid(title, good.query(name, parameter.text()));
        Ask only = good.withoutHeader(name).query(name, parameter.text());
        invalid(title + " only", only);
      }
    }
  }

  private void path() {
    for (ContractOperation.Parameter parameter : operation.parameters("path")) {
      Ask over = good.path(parameter.name(), "x".repeat(400) + "_1");
      invalid("over-long " + parameter.name(), over);
    }
  }

  private void headers() {
    for (ContractOperation.Parameter parameter : operation.parameters("header")) {
      if (parameter.required()) {
        Ask without = good.withoutHeader(parameter.name());
        invalidAt("no " + parameter.name(), without, "/" + parameter.name());
      }
    }
    if (operation.isSafe() || operation.isPublic()) {
      return;
    }
    Ask keyless = good.withoutHeader(KEY);
    for (String value :
        List.of(
            "",
            "two words",
            "x".repeat(256),
            "tab\there",
            "\u010d",
            "\"\"",
            "\"a",
            "a\"",
            "\"",
            "\"a\"b\"",
            "\"a\\\"",
            "\"two words\"",
            "\"" + "x".repeat(256) + "\"")) {
      String title = KEY + " of length " + value.length() + ", hash " + value.hashCode();
      invalidAt(title, keyless.header(KEY, value), "/" + KEY);
    }
    invalid("two of " + KEY, keyless.header(KEY, "a").header(KEY, "a"));
  }
}
