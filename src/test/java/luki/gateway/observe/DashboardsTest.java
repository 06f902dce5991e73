package luki.gateway.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import luki.gateway.http.Upstream;
import luki.gateway.http.UpstreamVersion;
import luki.gateway.json.Json;
import luki.gateway.json.Located;
import luki.gateway.rollout.RolloutFile;
import luki.gateway.rollout.RolloutState;
import luki.gateway.rollout.RolloutState.Share;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.Client;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The metrics and labels that dashboards and alerts query exist. */
class DashboardsTest {
  private static final Path DASHBOARD = Path.of("config/grafana/luki-gateway.json");
  private static final Path ALERTS = Path.of("config/prometheus/alerts.yaml");
  private static final Path SCRAPE = Path.of("config/prometheus/prometheus.yaml");
  private static final Pattern NAME =
      Pattern.compile(
          "\\b((?:http_server|luki_gateway|jvm|process)_[a-z_]+|up\\b)(?:\\{([^}]*)\\})?");
  private static final Pattern BY = Pattern.compile("\\bby \\(([^)]*)\\)");
  private static final Pattern LABEL = Pattern.compile("([a-z_]+)\\s*(?:=~|!~|!=|=)");
  private static final Pattern SAMPLE =
      Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(.*)\\})? [^ ]+");

  private static final String VERSIONS = "cognitive:\n    versions: {canary: \"";
  private static final String END = "\"}\n    connect: 1s";

  private static String metrics;
  private static final Map<String, Set<String>> LABELS = new TreeMap<>();

  @TempDir Path directory;

  @BeforeAll
  static void collect(@TempDir Path outbox) throws IOException {
    try (StandIns services = StandIns.start(Set.of("agent", "cognitive", "security"));
        TestGateway gateway =
            TestGateway.builder()
                .with(services.urls())
                .with("RATE_LIMIT_PER_MIN", "60")
                .with("USAGE_OUTBOX", outbox.resolve("usage").toString())
                .webhooks()
                .with("AUDIT_FILE", outbox.resolve("audit").toString())
                .with("ROLLOUT_FILE", shares(outbox.resolve("rollout.json")).toString())
                .yaml(
                    "cognitive:\n    connect: 1s", VERSIONS + services.urls().get("COG_URL") + END)
                .start()) {
      Client maria = gateway.client("cognitive:read", "chat:write");
      maria.get("/v1/cognitive/life-story/phases").expect(200);
      maria.post("/v1/chat/stream", "{\"user_id\":\"maria_k\",\"message\":\"Hi\"}").expect(200);
      gateway.awaitLog(2);
      metrics = gateway.stranger().get("/metrics").body();
    }
    // Prometheus makes it for each address that it scrapes.
    LABELS.put("up", Set.of("job", "instance"));
    metrics
        .lines()
        .filter(line -> !line.startsWith("#"))
        .forEach(
            line -> {
              Matcher sample = SAMPLE.matcher(line);
              assertTrue(sample.matches(), line);
              Set<String> labels = LABELS.computeIfAbsent(sample.group(1), _ -> new TreeSet<>());
              labels.addAll(labelsIn(sample.group(2)));
            });
  }

  private static Path shares(Path file) throws IOException {
    Map<UpstreamVersion, Share> canary = Map.of(new UpstreamVersion("canary"), new Share(1, 0));
    RolloutState _ =
        new RolloutFile(file)
            .change(
                Upstream.COGNITIVE,
                before -> before.with(canary, RolloutState.Cause.SET, "tester", Instant.EPOCH));
    return file;
  }

  /** The names of the labels in a sample or in a query, which may have none. */
  private static List<String> labelsIn(String text) {
    return text == null
        ? List.of()
        : LABEL.matcher(text).results().map(label -> label.group(1)).toList();
  }

  @AfterAll
  static void forget() {
    LABELS.clear();
  }

  private static Json read(Path file) throws IOException {
    try {
      return Located.read(file).root();
    } catch (Located.Malformed malformed) {
      throw new AssertionError(malformed);
    }
  }

  private static List<String> queries() throws IOException {
    List<String> queries = new ArrayList<>();
    for (Json panel : read(DASHBOARD).at("panels").items()) {
      panel.at("targets").items().forEach(target -> queries.add(target.at("expr").string("")));
    }
    for (Json group : read(ALERTS).at("groups").items()) {
      group.at("rules").items().forEach(rule -> queries.add(rule.at("expr").string("")));
    }
    return queries;
  }

  @Test
  void everyQueryUsesAnExistingMetric() throws IOException {
    List<String> queries = queries();
    assertTrue(queries.size() > 30, queries.size() + " queries");
    List<String> wrong = new ArrayList<>();
    for (String query : queries) {
      assertFalse(query.isBlank());
      Matcher name = NAME.matcher(query);
      Set<String> there = new TreeSet<>();
      boolean any = false;
      while (name.find()) {
        any = true;
        Set<String> labels = LABELS.get(name.group(1));
        if (labels == null) {
          wrong.add(name.group(1) + " of " + query);
          continue;
        }
        there.addAll(labels);
        labelsIn(name.group(2)).stream()
            .filter(label -> !labels.contains(label))
            .forEach(label -> wrong.add(label + " of " + query));
      }
      assertTrue(any, query);
      Matcher by = BY.matcher(query);
      while (by.find()) {
        for (String label : by.group(1).split(",", -1)) {
          if (!there.contains(label.strip())) {
            wrong.add("by " + label + " of " + query);
          }
        }
      }
    }
    assertEquals(List.of(), wrong);
  }

  /** Without requests, errors or Redis a panel must not look as if it were broken. */
  @Test
  void everyPanelShowsZeroRatherThanNothing() throws IOException {
    List<String> empty = new ArrayList<>();
    for (Json panel : read(DASHBOARD).at("panels").items()) {
      for (Json target : panel.at("targets").items()) {
        String query = target.at("expr").string("");
        // A quantile of no requests is NaN, which only a comparison drops.
        boolean quantile = query.contains("histogram_quantile") && !query.contains(">= 0)");
        boolean alwaysThere = query.equals("min(luki_gateway_key_file_ok)");
        if (quantile || !(alwaysThere || query.endsWith(" or on() vector(0)"))) {
          empty.add(panel.at("title").string("") + ": " + query);
        }
      }
    }
    assertEquals(List.of(), empty);
  }

  /** The name of the job is the same in the sample of Prometheus, the alerts and the panels. */
  @Test
  void anInstanceThatIsDownAlerts() throws IOException {
    Json scrape = read(SCRAPE);
    assertEquals("alerts.yaml", scrape.at("rule_files").at(0).string());
    assertEquals("luki-gateway", scrape.at("scrape_configs").at(0).at("job_name").string());
    Json down = read(ALERTS).at("groups").at(0).at("rules").at(0);
    assertEquals("GatewayDown", down.at("alert").string());
    assertEquals(
        "up{job=\"luki-gateway\"} == 0 or absent(up{job=\"luki-gateway\"})",
        down.at("expr").string());
  }

  @Test
  void everyAlertHasASeverityAndADescription() throws IOException {
    for (Json group : read(ALERTS).at("groups").items()) {
      for (Json rule : group.at("rules").items()) {
        assertTrue(Set.of("page", "ticket").contains(rule.pointer("/labels/severity").string("")));
        assertFalse(rule.pointer("/annotations/summary").string("").isBlank());
      }
    }
  }

  @Test
  void everyDocumentedMetricExists() {
    for (String name :
        List.of(
            "http_server_request_duration_seconds_bucket",
            "http_server_active_requests",
            "luki_gateway_upstream_request_duration_seconds_count",
            "luki_gateway_auth_total",
            "luki_gateway_rate_limit_total",
            "luki_gateway_streams",
            "luki_gateway_stream_outcomes_total",
            "luki_gateway_stream_first_event_seconds_sum",
            "luki_gateway_circuit_open",
            "luki_gateway_ratelimit_degraded",
            "luki_gateway_log_lines_dropped_total",
            "luki_gateway_audit_records_lost_total",
            "luki_gateway_jwks_age_seconds",
            "luki_gateway_key_file_ok",
            "luki_gateway_config_reloads_total",
            "luki_gateway_config_last_success_timestamp_seconds",
            "luki_gateway_build_info",
            "jvm_memory_used_bytes",
            "jvm_gc_collection_seconds_count",
            "luki_gateway_virtual_threads_queued")) {
      assertTrue(LABELS.containsKey(name), name);
    }
  }

  @Test
  void promtoolFindsNoProblem() throws Exception {
    Optional<Path> promtool =
        Stream.of("/usr/bin/promtool", "/usr/local/bin/promtool")
            .map(Path::of)
            .filter(Files::isExecutable)
            .findFirst();
    Assumptions.assumeTrue(promtool.isPresent(), "promtool is not installed");
    String tool = promtool.get().toString();
    Path text = Files.writeString(directory.resolve("metrics"), metrics);
    run(new ProcessBuilder(tool, "check", "rules", ALERTS.toString()));
    run(new ProcessBuilder(tool, "check", "config", "--syntax-only", SCRAPE.toString()));
    run(new ProcessBuilder(tool, "test", "rules", "src/test/deploy/alerts-test.yaml"));
    run(new ProcessBuilder(tool, "check", "metrics").redirectInput(text.toFile()));
  }

  private static void run(ProcessBuilder command) throws Exception {
    Process process = command.redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), said);
  }
}
