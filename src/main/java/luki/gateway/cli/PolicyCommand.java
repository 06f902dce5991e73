package luki.gateway.cli;

import java.io.PrintStream;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import luki.gateway.app.Configuration;
import luki.gateway.app.Gateway;
import luki.gateway.cli.Arguments.BadUsage;
import luki.gateway.config.Plan;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.Settings;
import luki.gateway.http.Chain;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Handler;
import luki.gateway.http.Policy.Access;
import luki.gateway.http.Policy.ConsentRule;
import luki.gateway.http.Policy.Meter;
import luki.gateway.http.Policy.Owner;
import luki.gateway.http.Route;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;
import luki.gateway.observe.AccessLine;

/** {@code policy}: what is enforced, one row a route, from the compiled contract itself. */
record PolicyCommand(PrintStream out) {
  int run(Arguments arguments) throws BadUsage, BadConfiguration {
    String format = arguments.value("--format");
    arguments.end();
    print(Configuration.ofProcess(), format == null ? "md" : format);
    return 0;
  }

  void print(Configuration configuration, String format) throws BadUsage, BadConfiguration {
    try (Gateway gateway = new Gateway(configuration)) {
      Settings settings = configuration.settings();
      Plan.Catalog plans = Plan.Catalog.of(configuration.file(), settings.rates());
      List<Section> sections =
          List.of(
              new Section(
                  "routes",
                  "What the gateway enforces, one row a route.",
                  gateway.routes().stream().map(route -> row(route, configuration)).toList()),
              new Section(
                  "steps",
                  "In this order; the first that refuses decides.",
                  gateway.explanation().steps().stream().map(PolicyCommand::row).toList()),
              new Section(
                  "plans",
                  "What a caller may use; a caller without a plan has the default one.",
                  new TreeMap<>(plans.plans()).values().stream().map(PolicyCommand::row).toList()),
              new Section(
                  "access log",
                  "What a line can contain, for every route: no path, query, body or address.",
                  AccessLine.FIELDS.stream().map(PolicyCommand::row).toList()));
      switch (format) {
        case "md" -> markdown(sections);
        case "json" -> json(sections);
        case "html" -> html(sections);
        default -> throw new BadUsage("--format must be md, json or html");
      }
    }
  }

  /** A table of the page. */
  private record Section(String name, String text, List<Json> rows) {
    String title() {
      return Character.toUpperCase(name.charAt(0)) + name.substring(1);
    }

    Set<String> columns() {
      return rows.getFirst().members().keySet();
    }
  }

  /** What a step of the chain refuses with; the first step that refuses decides. */
  private static Json row(Chain.Step step) {
    List<String> codes = step.refusals().stream().map(ErrorCode::name).sorted().toList();
    return Json.object().put("step", step.name()).put("refuses with", joined(", ", codes)).build();
  }

  private static Json row(AccessLine.Field field) {
    return Json.object().put("field", field.name()).put("value", field.value()).build();
  }

  private static Json row(Plan plan) {
    boolean unlimited = plan.perMinute() == 0;
    Json.Builder row =
        Json.object()
            .put("plan", plan.name())
            .put("calls a minute", unlimited ? "unlimited" : Integer.toString(plan.perMinute()))
            .put("at once", unlimited ? "unlimited" : Integer.toString(plan.burst()));
    for (Meter meter : Meter.values()) {
      row.put(meter.label() + " a day", bound(plan.bound(meter, false)))
          .put(meter.label() + " a month", bound(plan.bound(meter, true)));
    }
    return row.build();
  }

  /** The parts in one text; a dash where there are none. */
  private static String joined(String between, List<String> parts) {
    return parts.isEmpty() ? "–" : String.join(between, parts);
  }

  private static String bound(long units) {
    return units == Plan.Quota.UNBOUNDED ? "–" : Long.toString(units);
  }

  private static Json row(Route.Served route, Configuration configuration) {
    Settings settings = configuration.settings();
    Json.Builder row = Json.object();
    row.put("method", route.method().name());
    row.put("path", route.template());
    row.put("scopes", scopes(route.policy().access()));
    row.put("owner", owner(route.policy().owner()));
    ConsentRule consent = route.policy().consent();
    row.put(
        "consent",
        consent == null
            ? "–"
            : String.join(" ", consent.scopes())
                + (consent.askedBy() == ConsentRule.AskedBy.HANDLER
                    ? " (served without the data)"
                    : ""));
    Upstream upstream = route.operation().upstream();
    row.put("downstream", upstream == null ? "–" : configuration.file().described(upstream));
    row.put(
        "call repeated",
        upstream == null || route.handler() instanceof Handler.Unrouted
            ? "–"
            : upstream.idempotent()
                    || (route.method().isSafe() && !(route.handler() instanceof Handler.Posts))
                ? "once, if lost or 503"
                : "once, if nothing was sent");
    row.put("deadline", route.deadline().toMillis() / 1000.0 + " s");
    row.put("body", route.operation().takesBody() ? settings.limits().bodyBytes() + " B" : "–");
    row.put("checked by schemas", joined(", ", route.operation().rules().checked()));
    int cost = route.policy().limits().cost();
    row.put("rate cost", cost == 0 ? "–" : Integer.toString(cost));
    List<String> meters =
        route.policy().limits().meters().stream().map(Meter::label).sorted().toList();
    row.put("quotas", joined(" ", meters));
    row.put("idempotency key", route.takesIdempotencyKey() ? "yes" : "–");
    row.put(
        "when Redis is lost",
        cost == 0
            ? "–"
            : switch (settings.rates().onRedisLoss()) {
              case LOCAL -> "each instance enforces its share";
              case DENY -> "503 LIMITER_UNAVAILABLE";
              case ALLOW -> "no limit";
            });
    row.put(
        "when the security service is away",
        consent == null
            ? "–"
            : consent.askedBy() == ConsentRule.AskedBy.FILTER
                ? "503 CONSENT_UNAVAILABLE"
                : "served without the data");
    row.put("while draining", route.policy().alwaysAdmitted() ? "served" : "503 DRAINING");
    return row.build();
  }

  private static String scopes(Access access) {
    return switch (access) {
      case Access.Public _ -> "(public)";
      case Access.Authenticated _ -> "(any caller)";
      case Access.Scoped scoped -> scoped.scopes();
    };
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

  private void markdown(List<Section> sections) {
    out.println("# Policy");
    for (Section section : sections) {
      out.println("\n## " + section.title() + "\n" + section.text + "\n");
      out.println("| " + String.join(" | ", section.columns()) + " |");
      out.println("|" + " --- |".repeat(section.columns().size()));
      section.rows.forEach(row -> out.println("| " + String.join(" | ", cells(row)) + " |"));
    }
  }

  private static List<String> cells(Json row) {
    return row.members().values().stream().map(cell -> cell.string("")).toList();
  }

  private void json(List<Section> sections) {
    Json.Builder root = Json.object();
    sections.forEach(each -> root.put(each.name.replace(' ', '_'), Json.array(each.rows)));
    out.println(root.build().pretty());
  }

  /** One page without a script, a style or an address, so that no content policy is in its way. */
  private void html(List<Section> sections) {
    out.println("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    out.println("<meta name=\"color-scheme\" content=\"light dark\"><title>Policy</title></head>");
    out.println("<body><h1>Policy</h1>");
    for (Section section : sections) {
      out.println("<h2>" + section.title() + "</h2><p>" + section.text + "</p>");
      out.println("<table border=\"1\" cellpadding=\"4\">");
      htmlRow("th", section.columns());
      section.rows.forEach(row -> htmlRow("td", cells(row)));
      out.println("</table>");
    }
    out.println("</body></html>");
  }

  private void htmlRow(String tag, Collection<String> cells) {
    out.println("<tr>");
    cells.forEach(cell -> out.println("<" + tag + ">" + escaped(cell) + "</" + tag + ">"));
    out.println("</tr>");
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
