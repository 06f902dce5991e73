package luki.gateway.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import luki.gateway.app.Configuration;
import luki.gateway.app.Gateway;
import luki.gateway.cli.Arguments.BadUsage;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.http.Policy.ConsentRule;
import luki.gateway.http.Policy.Owner;
import luki.gateway.http.Route;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;

/** {@code policy}: what is enforced, one row a route, from the compiled contract itself. */
record PolicyCommand(PrintStream out) {
  int run(Arguments arguments) throws BadUsage, BadConfiguration {
    String format = arguments.value("--format");
    arguments.end();
    List<Map<String, String>> rows = new ArrayList<>();
    for (Route.Served route : routes(Configuration.ofProcess())) {
      rows.add(row(route));
    }
    switch (format == null ? "md" : format) {
      case "md" -> markdown(rows);
      case "json" -> json(rows);
      case "html" -> html(rows);
      default -> throw new BadUsage("--format must be md, json or html");
    }
    return 0;
  }

  /** The routes as a gateway with this configuration would enforce them. */
  static List<Route.Served> routes(Configuration configuration) throws BadConfiguration {
    try (Gateway gateway = new Gateway(configuration)) {
      return gateway.routes();
    }
  }

  private static Map<String, String> row(Route.Served route) {
    Map<String, String> row = new LinkedHashMap<>();
    row.put("method", route.method().name());
    row.put("path", route.template());
    row.put("scopes", route.policy().isPublic() ? "(public)" : route.policy().access().scopes());
    row.put("owner", owner(route.policy().owner()));
    ConsentRule consent = route.policy().consent();
    row.put(
        "consent",
        consent == null
            ? "–"
            : String.join(" ", consent.scopes())
                + (consent.askedBy() == ConsentRule.AskedBy.HANDLER ? " (answers with less)" : ""));
    Upstream upstream = route.operation().upstream();
    row.put("downstream", upstream == null ? "–" : upstream.label());
    row.put("deadline", route.deadline().toMillis() / 1000.0 + " s");
    return row;
  }

  private static String owner(Owner owner) {
    return switch (owner) {
      case Owner.None _ -> "–";
      case Owner.InBody in -> "body /" + in.name();
      case Owner.InQuery in -> "query " + in.name();
      case Owner.InPath in -> "path " + in.name();
      case Owner.ItemPrefix in -> "path " + in.name() + ", before its last _";
    };
  }

  private void markdown(List<Map<String, String>> rows) {
    List<String> columns = List.copyOf(rows.getFirst().keySet());
    out.println("| " + String.join(" | ", columns) + " |");
    out.println("|" + " --- |".repeat(columns.size()));
    rows.forEach(row -> out.println("| " + String.join(" | ", row.values()) + " |"));
  }

  private void json(List<Map<String, String>> rows) {
    List<Json> objects = new ArrayList<>();
    for (Map<String, String> row : rows) {
      Json.Builder object = Json.object();
      row.forEach(object::put);
      objects.add(object.build());
    }
    out.println(Json.object().put("routes", Json.array(objects)).build().pretty());
  }

  private void html(List<Map<String, String>> rows) {
    out.println("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    out.println("<title>Policy</title></head>\n<body><table>\n<tr>");
    rows.getFirst().keySet().forEach(name -> out.println("<th>" + escaped(name) + "</th>"));
    out.println("</tr>");
    for (Map<String, String> row : rows) {
      out.println("<tr>");
      row.values().forEach(value -> out.println("<td>" + escaped(value) + "</td>"));
      out.println("</tr>");
    }
    out.println("</table></body></html>");
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
