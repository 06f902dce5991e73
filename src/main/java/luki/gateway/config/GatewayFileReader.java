package luki.gateway.config;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.http.Policy.Meter;
import luki.gateway.http.Scope;
import luki.gateway.http.Upstream;
import luki.gateway.http.UpstreamVersion;
import luki.gateway.json.Json;
import luki.gateway.json.Located;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code config/gateway.yaml}. A key that nothing reads is a problem with its line, and so is
 * a value that is not of its type; something of that type takes its place.
 *
 * @param read the pointers that were read, and those of all values around them
 */
public record GatewayFileReader(Located document, Problems problems, Set<String> read) {
  // The greatest number that the scripts in Redis count exactly, and more.
  private static final long MAX_UNITS = 1_000_000_000_000L;
  // There is a place in memory for each call in flight, and for each caller that a breaker counts.
  private static final int MAX_IN_FLIGHT = 1_000_000;
  private static final int MAX_CALLERS = 100;
  private static final int MAX_VERSIONS = 2;

  /** Reads the file; one that is not YAML is refused at once. */
  public static GatewayFile read(Path file, Problems problems) throws BadConfiguration {
    return new GatewayFileReader(problems.read(file), problems, new HashSet<>()).file();
  }

  private GatewayFile file() {
    Map<String, Set<Scope>> roles = new HashMap<>();
    names("/roles").forEach(role -> roles.put(role, scopes(child("/roles", role))));
    if (roles.containsKey(GatewayFile.ADMIN)) {
      problem("/roles/admin", "must not be listed: admin has every scope of the contract");
    }
    GatewayFile file =
        new GatewayFile(
            roles,
            callers(),
            tokenRoles(),
            plans(),
            upstreams(),
            streams(),
            breaker(),
            new GatewayFile.FairShare(
                optional("/fair_share/percent", 100, 25),
                optional("/fair_share/at_least", MAX_IN_FLIGHT, 8)),
            duration("/chat/memory_deadline"),
            duration("/limits/redis_deadline"),
            duration("/routes/deadline"),
            number("/routes/max_in_flight"),
            value("/routes/max_queue_delay").isMissing()
                ? Duration.ofMillis(20)
                : duration("/routes/max_queue_delay"),
            new GatewayFile.Section(document, "grpc"));
    refuseUnread("", document.root().toBuilder().remove(file.grpc().name()).build());
    return file;
  }

  private Map<String, GatewayFile.Caller> callers() {
    Map<String, GatewayFile.Caller> callers = new HashMap<>();
    Set<String> owned = new HashSet<>();
    for (String name : names("/services")) {
      String at = child("/services", name);
      Set<String> keys = Set.copyOf(strings(at + "/keys"));
      if (keys.isEmpty()) {
        problem(at, "must list the ids of its keys");
      }
      if (!Collections.disjoint(owned, keys)) {
        problem(at + "/keys", at + "/keys must not list a key of another service");
      }
      owned.addAll(keys);
      Set<String> roles = roles(at + "/roles", Set.of());
      String plan = plan(at + "/plan");
      callers.put(name, new GatewayFile.Caller(keys, roles, scopes(at + "/scopes"), plan));
    }
    return callers;
  }

  private GatewayFile.TokenRoles tokenRoles() {
    boolean unset = map("/tokens").at("role_claims").isMissing();
    return new GatewayFile.TokenRoles(
        unset ? List.of("roles") : strings("/tokens/role_claims"),
        roles("/tokens/roles_taken", Set.of("patient", "care_team")),
        roles("/tokens/default_roles", Set.of()));
  }

  private Set<String> roles(String at, Set<String> otherwise) {
    if (value(at).isMissing()) {
      return otherwise;
    }
    Set<String> roles = Set.copyOf(strings(at));
    Set<String> known = document.root().at("roles").members().keySet();
    if (!roles.stream().allMatch(role -> role.equals(GatewayFile.ADMIN) || known.contains(role))) {
      problem(at, at + " must list roles of this file, or admin");
    }
    return roles;
  }

  private @Nullable String plan(String at) {
    Json plan = value(at);
    if (!plan.isMissing() && document.root().at("plans").at(plan.string("")).isMissing()) {
      problem(at, "must be one of the plans of this file");
    }
    return plan.string();
  }

  private Map<String, Plan.Rules> plans() {
    Map<String, Plan.Rules> plans = new HashMap<>();
    for (String name : names("/plans")) {
      String at = child("/plans", name);
      String perMinute = at + "/per_minute";
      String burst = at + "/burst";
      plans.put(
          name,
          new Plan.Rules(
              value(perMinute).isMissing() ? null : (int) number(perMinute, 1, Plan.MAX_PER_MINUTE),
              value(burst).isMissing() ? null : number(burst),
              quotas(at + "/quotas")));
    }
    return plans;
  }

  private Map<Meter, Plan.Quota> quotas(String at) {
    Map<Meter, Plan.Quota> quotas = new EnumMap<>(Meter.class);
    for (Meter meter : Meter.values()) {
      String quota = at + "/" + meter.label();
      if (!value(quota).isMissing()) {
        quotas.put(meter, new Plan.Quota(bound(quota + "/day"), bound(quota + "/month")));
      }
    }
    return quotas;
  }

  private long bound(String at) {
    return value(at).isMissing() ? Plan.Quota.UNBOUNDED : number(at, 0, MAX_UNITS);
  }

  private Map<Upstream, GatewayFile.Service> upstreams() {
    Map<Upstream, GatewayFile.Service> settings = new EnumMap<>(Upstream.class);
    for (Upstream upstream : Upstream.values()) {
      String at = "/downstreams/" + upstream.label();
      if (value(at).isMissing()) {
        problem(at, at + " is missing");
        continue;
      }
      settings.put(
          upstream,
          new GatewayFile.Service(
              duration(at + "/connect"),
              duration(at + "/total"),
              (int) number(at + "/max_concurrent", 1, MAX_IN_FLIGHT),
              versions(at + "/versions")));
    }
    return settings;
  }

  private SortedMap<UpstreamVersion, URI> versions(String at) {
    SortedMap<UpstreamVersion, URI> versions = new TreeMap<>();
    for (String name : names(at)) {
      URI url = SettingsReader.serviceUrl(value(child(at, name)).string(""));
      if (url == null || !UpstreamVersion.isValid(name) || name.equals("stable")) {
        problem(child(at, name), "must be a name such as canary: http://host[:port]");
      } else {
        versions.put(new UpstreamVersion(name), url);
      }
    }
    if (versions.size() > MAX_VERSIONS) {
      problem(at, at + " must be at most two");
    }
    return versions;
  }

  private GatewayFile.Streams streams() {
    return new GatewayFile.Streams(
        duration("/streams/first_event"),
        duration("/streams/between_events"),
        duration("/streams/total"),
        duration("/streams/answer_by"),
        duration("/streams/keep_alive"),
        number("/streams/max_event_bytes"),
        (int) number("/streams/max_open", 1, MAX_IN_FLIGHT));
  }

  private GatewayFile.Breaker breaker() {
    return new GatewayFile.Breaker(
        duration("/breaker/window"),
        number("/breaker/min_calls"),
        optional("/breaker/min_callers", MAX_CALLERS, 3),
        duration("/breaker/open"),
        number("/breaker/probes"),
        value("/breaker/slow_call").isMissing() ? Duration.ZERO : duration("/breaker/slow_call"),
        optional("/breaker/slow_percent", 100, 50));
  }

  private static String child(String pointer, String name) {
    return pointer + "/" + name.replace("~", "~0").replace("/", "~1");
  }

  private Json value(String pointer) {
    for (int end = pointer.length(); end > 0; end = pointer.lastIndexOf('/', end - 1)) {
      read.add(pointer.substring(0, end));
    }
    return document.root().pointer(pointer);
  }

  private Json map(String pointer) {
    Json map = value(pointer);
    if (!map.isObject() && !map.isAbsent()) {
      problem(pointer, pointer + " must be a map");
    }
    return map;
  }

  /** The keys of a map whose keys are names; what is read below them makes them known. */
  private Set<String> names(String pointer) {
    return map(pointer).members().keySet();
  }

  /** Whatever of the value was not read is a problem. */
  private void refuseUnread(String pointer, Json node) {
    for (String name : node.members().keySet()) {
      String at = child(pointer, name);
      if (read.contains(at)) {
        refuseUnread(at, node.at(name));
      } else {
        problem(at, name + " is not a known key" + Spelling.hint(at, read));
      }
    }
  }

  private List<String> strings(String pointer) {
    Json list = value(pointer);
    List<String> strings = list.isAbsent() ? List.of() : list.stringList();
    if (strings == null || strings.contains("")) {
      problem(pointer, pointer + " must be a list of names");
      return List.of();
    }
    return strings;
  }

  private Set<Scope> scopes(String pointer) {
    Set<Scope> scopes = new HashSet<>();
    for (String name : strings(pointer)) {
      if (Scope.isValid(name)) {
        scopes.add(new Scope(name));
      } else {
        problem(pointer, "must list scopes such as elr:read");
      }
    }
    return scopes;
  }

  private Duration duration(String pointer) {
    Duration duration = Durations.parse(value(pointer).string(""));
    if (duration == null) {
      problem(pointer, pointer + " must be a duration such as 1500ms, 10s or 14m");
      return Duration.ofSeconds(1);
    }
    return duration;
  }

  private int number(String pointer) {
    return (int) number(pointer, 1, Integer.MAX_VALUE);
  }

  private int optional(String pointer, int max, int otherwise) {
    return value(pointer).isMissing() ? otherwise : (int) number(pointer, 1, max);
  }

  private long number(String pointer, long min, long max) {
    long number = value(pointer).integer().orElse(Long.MIN_VALUE);
    if (number < min || number > max) {
      String missing = value(pointer).isMissing() ? " is missing: it" : "";
      problem(pointer, pointer + missing + " must be a whole number from " + min + " to " + max);
      return min;
    }
    return number;
  }

  private void problem(String pointer, String shouldBe) {
    problems.add(document.where(pointer), shouldBe);
  }
}
