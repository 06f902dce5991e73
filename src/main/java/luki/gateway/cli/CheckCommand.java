package luki.gateway.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import luki.gateway.app.Configuration;
import luki.gateway.app.Gateway;
import luki.gateway.cli.Arguments.BadUsage;
import luki.gateway.config.ConfigurationCheck.Finding;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;

/** {@code check}: findings about the configuration, and whether it is valid at all. */
record CheckCommand(PrintStream out) {
  int run(Arguments arguments) throws BadUsage, BadConfiguration, IOException {
    boolean json = arguments.has("--json");
    arguments.end();
    Configuration configuration = Configuration.ofProcess();
    int routes;
    try (Gateway gateway = new Gateway(configuration)) {
      routes = gateway.routes().size();
    }
    List<Finding> findings = configuration.findings();
    if (json) {
      print(findings);
    } else {
      for (int i = 0; i < findings.size(); i++) {
        Finding finding = findings.get(i);
        out.printf("%-8s  %s: %s%n", severityOf(finding), finding.where(), finding.text());
        // Once for all of a kind, which stand together.
        if (i + 1 == findings.size() || findings.get(i + 1).check() != finding.check()) {
          out.printf("          %s %s%n", finding.check().reason(), finding.check().remedy());
        }
      }
      for (Upstream who : configuration.withVersions()) {
        out.println("versions of " + configuration.file().described(who));
      }
      out.printf(
          "%d routes, %d findings, %d of them critical%n",
          routes, findings.size(), findings.stream().filter(Finding::isCritical).count());
    }
    return findings.stream().anyMatch(Finding::isCritical) ? 2 : 0;
  }

  private void print(List<Finding> findings) {
    List<Json> rows = new ArrayList<>();
    for (Finding finding : findings) {
      rows.add(
          Json.object()
              .put("severity", severityOf(finding))
              .put("id", finding.check().id())
              .put("where", finding.where())
              .put("text", finding.text())
              .put("reason", finding.check().reason())
              .put("remedy", finding.check().remedy())
              .build());
    }
    out.println(Json.object().put("findings", Json.array(rows)).build().pretty());
  }

  private static String severityOf(Finding finding) {
    return finding.severity().name().toLowerCase(Locale.ROOT);
  }
}
