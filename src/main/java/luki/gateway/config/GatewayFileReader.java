package luki.gateway.config;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.http.Meter;
import luki.gateway.http.Scope;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;
import luki.gateway.json.Located;
import org.jspecify.annotations.Nullable;

/** Reads {@code config/gateway.yaml}; a key that it does not know is a problem, with its line. */
public final class GatewayFileReader {
  private static final Pattern DURATION = Pattern.compile("(\\d{1,7})(ms|s|m|h)");

  // What Redis's scripts count exactly.
  private static final long MAX_UNITS = 1_000_000_000_000L;

  private final Located document;
  private final Problems problems;

  private GatewayFileReader(Located document, Problems problems) {
    this.document = document;
    this.problems = problems;
  }

  /** Everything in the file; ends with what was found wrong when it is no YAML at all. */
  public static GatewayFile read(Path file, Problems problems) throws BadConfiguration {
    try {
      return new GatewayFileReader(Located.read(file), problems).file();
    } catch (IOException unreadable) {
      problems.add(file.toString(), "must be a file that can be read");
    } catch (Located.Malformed malformed) {
      problems.add(malformed.problem());
    }
    problems.throwIfAny();
    throw new IllegalStateException("a problem was added above");
  }

  private GatewayFile file() {
    only(
        "",
        Set.of(
            "roles",
            "services",
            "plans",
            "downstreams",
            "streams",
            "breaker",
            "chat",
            "limits",
            "routes"));
    only("/chat", Set.of("memory_deadline"));
    only("/limits", Set.of("redis_deadline"));
    only("/routes", Set.of("deadline", "max_in_flight"));
    return new GatewayFile(
        roles(),
        callers(),
        plans(),
        upstreams(),
        streams(),
        breaker(),
        duration("/chat/memory_deadline"),
        duration("/limits/redis_deadline"),
        duration("/routes/deadline"),
        number("/routes/max_in_flight"));
  }

  private Map<String, Set<Scope>> roles() {
    Map<String, Set<Scope>> roles = new TreeMap<>();
    Map<String, Json> listed = document.root().at("roles").members();
    listed.forEach((role, names) -> roles.put(role, scopes("/roles/" + role, names)));
    if (roles.containsKey(GatewayFile.ADMIN)) {
      problem("/roles/admin", "must not be listed: admin has every scope of the contract");
    }
    return roles;
  }

  private Set<Scope> scopes(String pointer, Json names) {
    Set<Scope> scopes = new HashSet<>();
    for (Json name : names.items()) {
      if (Scope.isValid(name.string(""))) {
        scopes.add(new Scope(name.string("")));
      } else {
        problem(pointer, "must list scopes such as elr:read");
      }
    }
    return scopes;
  }

  private Map<String, GatewayFile.Caller> callers() {
    Map<String, GatewayFile.Caller> callers = new TreeMap<>();
    document
        .root()
        .at("services")
        .members()
        .forEach(
            (name, caller) -> {
              String at = "/services/" + name;
              only(at, Set.of("keys", "roles", "scopes", "plan"));
              Set<String> keys = strings(caller.at("keys"));
              if (keys.isEmpty()) {
                problem(at, "must list the ids of its keys");
              }
              callers.put(
                  name,
                  new GatewayFile.Caller(
                      keys,
                      strings(caller.at("roles")),
                      scopes(at, caller.at("scopes")),
                      plan(at, caller.at("plan"))));
            });
    return callers;
  }

  private @Nullable String plan(String at, Json plan) {
    if (plan.isMissing()) {
      return null;
    }
    if (document.root().at("plans").at(plan.string("")).isMissing()) {
      problem(at + "/plan", "must be one of the plans of this file");
    }
    return plan.string();
  }

  private Map<String, Plan.Rules> plans() {
    Map<String, Plan.Rules> plans = new TreeMap<>();
    for (String name : document.root().at("plans").members().keySet()) {
      String at = "/plans/" + name;
      only(at, Set.of("per_minute", "burst", "quotas"));
      Json plan = document.root().pointer(at);
      plans.put(
          name,
          new Plan.Rules(
              plan.at("per_minute").isMissing() ? null : perMinute(at + "/per_minute"),
              plan.at("burst").isMissing() ? null : number(at + "/burst"),
              quotas(at + "/quotas")));
    }
    return plans;
  }

  private int perMinute(String pointer) {
    int value = number(pointer);
    if (value > Plan.MAX_PER_MINUTE) {
      problem(pointer, pointer + " must be at most " + Plan.MAX_PER_MINUTE);
    }
    return value;
  }

  private Map<Meter, Plan.Quota> quotas(String at) {
    Map<Meter, Plan.Quota> quotas = new EnumMap<>(Meter.class);
    for (String label : document.root().pointer(at).members().keySet()) {
      Meter meter = Meter.of(label);
      if (meter == null) {
        problem(at + "/" + label, "must be requests, chat_messages or streamed_characters");
        continue;
      }
      only(at + "/" + label, Set.of("day", "month"));
      Json quota = document.root().pointer(at + "/" + label);
      quotas.put(
          meter,
          new Plan.Quota(
              bound(at + "/" + label + "/day", quota.at("day")),
              bound(at + "/" + label + "/month", quota.at("month"))));
    }
    return quotas;
  }

  private long bound(String pointer, Json bound) {
    if (bound.isMissing()) {
      return Plan.Quota.UNBOUNDED;
    }
    OptionalLong value = bound.integer();
    if (value.isEmpty() || value.getAsLong() < 0 || value.getAsLong() > MAX_UNITS) {
      problem(pointer, pointer + " must be a whole number from 0 to " + MAX_UNITS);
      return 0;
    }
    return value.getAsLong();
  }

  private static Set<String> strings(Json list) {
    Set<String> strings = new HashSet<>();
    list.items().forEach(item -> strings.add(item.string("")));
    return strings;
  }

  private Map<Upstream, GatewayFile.Service> upstreams() {
    Map<Upstream, GatewayFile.Service> settings = new EnumMap<>(Upstream.class);
    Set<String> known = new HashSet<>();
    for (Upstream upstream : Upstream.values()) {
      String at = "/downstreams/" + upstream.label();
      known.add(upstream.label());
      only(at, Set.of("connect", "total", "max_concurrent"));
      settings.put(
          upstream,
          new GatewayFile.Service(
              duration(at + "/connect"), duration(at + "/total"), number(at + "/max_concurrent")));
    }
    only("/downstreams", known);
    return settings;
  }

  private GatewayFile.Streams streams() {
    String at = "/streams/";
    only(
        "/streams",
        Set.of(
            "first_event",
            "between_events",
            "total",
            "answer_by",
            "keep_alive",
            "max_event_bytes",
            "max_open"));
    return new GatewayFile.Streams(
        duration(at + "first_event"),
        duration(at + "between_events"),
        duration(at + "total"),
        duration(at + "answer_by"),
        duration(at + "keep_alive"),
        number(at + "max_event_bytes"),
        number(at + "max_open"));
  }

  private GatewayFile.Breaker breaker() {
    String at = "/breaker/";
    only("/breaker", Set.of("window", "min_calls", "open", "probes"));
    return new GatewayFile.Breaker(
        duration(at + "window"),
        number(at + "min_calls"),
        duration(at + "open"),
        number(at + "probes"));
  }

  private void only(String pointer, Set<String> known) {
    Json node = document.root().pointer(pointer);
    for (String name : node.members().keySet()) {
      if (!known.contains(name)) {
        problem(pointer + "/" + name, name + " is not a key that is known here");
      }
    }
  }

  private Duration duration(String pointer) {
    Matcher text = DURATION.matcher(document.root().pointer(pointer).string(""));
    if (!text.matches()) {
      problem(pointer, pointer + " must be a duration such as 1500ms, 10s or 14m");
      return Duration.ofSeconds(1);
    }
    return duration(text);
  }

  private static Duration duration(Matcher text) {
    long count = Long.parseLong(text.group(1));
    return switch (text.group(2)) {
      case "ms" -> Duration.ofMillis(count);
      case "s" -> Duration.ofSeconds(count);
      case "m" -> Duration.ofMinutes(count);
      default -> Duration.ofHours(count);
    };
  }

  /**
   * A duration as the contract and this file write it.
   *
   * @throws IllegalArgumentException it is none
   */
  public static Duration duration(Json value) {
    Matcher text = DURATION.matcher(value.string(""));
    if (!text.matches()) {
      throw new IllegalArgumentException("must be a duration such as 1500ms, 10s or 14m");
    }
    return duration(text);
  }

  private int number(String pointer) {
    OptionalLong value = document.root().pointer(pointer).integer();
    if (value.isEmpty() || value.getAsLong() < 1 || value.getAsLong() > Integer.MAX_VALUE) {
      problem(pointer, pointer + " must be a whole number above 0");
      return 1;
    }
    return (int) value.getAsLong();
  }

  private void problem(String pointer, String shouldBe) {
    problems.add(document.where(pointer), shouldBe);
  }
}
