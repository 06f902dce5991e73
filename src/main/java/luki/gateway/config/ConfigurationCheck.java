package luki.gateway.config;

import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import luki.gateway.http.Scope;
import luki.gateway.http.Upstream;

/** Looks at a configuration that can be served with and says what is unwise about it. */
public final class ConfigurationCheck {
  // DOWNSTREAMS' roles: a care team gets its users by name, on the key or from the token.
  private static final Set<String> MAY_ACT_FOR_ANYBODY = Set.of("agent");

  private ConfigurationCheck() {}

  /** How bad it is; in prod nothing starts with a critical one. */
  public enum Severity {
    CRITICAL,
    WARNING
  }

  /**
   * One thing to change.
   *
   * @param where the variable or the place in the file
   */
  public record Finding(Severity severity, String where, String text) {}

  public static List<Finding> of(Settings settings, GatewayFile file) {
    List<Finding> findings = new ArrayList<>();
    secrets(settings, findings);
    services(settings, findings);
    limits(settings, file, findings);
    if (settings.metricsOpen() && !settings.dev()) {
      findings.add(warning("METRICS_ACCESS", "open: everybody can read the metrics"));
    }
    if (settings.trustedProxies().stream().anyMatch(Cidr::isEverything)) {
      findings.add(warning("TRUSTED_PROXIES", "trusts every address, so it trusts every client"));
    }
    file.roles()
        .forEach(
            (role, scopes) -> {
              if (scopes.contains(Scope.ANY_USER) && !MAY_ACT_FOR_ANYBODY.contains(role)) {
                findings.add(warning("roles/" + role, "users:any lets it act for every user"));
              }
            });
    return findings;
  }

  private static void secrets(Settings settings, List<Finding> findings) {
    Severity missing = settings.dev() ? Severity.WARNING : Severity.CRITICAL;
    if (settings.pepper() == null) {
      findings.add(
          new Finding(
              missing,
              "API_KEY_PEPPER",
              settings.dev()
                  ? "unset: a fixed pepper is used, good for a desk only"
                  : "must be set in prod: text of at least 32 bytes"));
    }
    if (settings.signingKey() == null) {
      findings.add(
          new Finding(
              missing,
              "SERVICE_TOKEN_KEY_PATH",
              settings.dev()
                  ? "unset: the gateway's tokens are signed by a key made at start"
                  : "must name an EC P-256 private key in prod"));
    }
    URI jwks = settings.jwt().jwks();
    if (jwks != null && "http".equals(jwks.getScheme()) && !settings.dev()) {
      findings.add(warning("JWT_JWKS_URL", "http: whoever is on the way can put in their keys"));
    }
    if (settings.jwt().isOn() && settings.jwt().issuer() == null) {
      findings.add(warning("JWT_ISSUER", "unset: a token of any issuer with this key is taken"));
    }
    if (settings.agentSecret() == null && settings.urls().containsKey(Upstream.AGENT)) {
      findings.add(
          warning("AGENT_INTERNAL_SECRET", "unset: the agent cannot tell the gateway from others"));
    }
  }

  private static void services(Settings settings, List<Finding> findings) {
    Map<URI, Upstream> seen = new HashMap<>();
    for (Upstream upstream : Upstream.values()) {
      URI url = settings.urls().get(upstream);
      String variable = SettingsReader.variableOf(upstream).name();
      if (url == null) {
        findings.add(warning(variable, "unset: its routes answer 503"));
        continue;
      }
      Upstream other = seen.putIfAbsent(url, upstream);
      if (other != null) {
        findings.add(
            warning(
                variable, "has the same address as " + SettingsReader.variableOf(other).name()));
      }
    }
  }

  private static void limits(Settings settings, GatewayFile file, List<Finding> findings) {
    Settings.RateLimits rates = settings.rates();
    boolean quotas = file.plans().values().stream().anyMatch(plan -> !plan.quotas().isEmpty());
    if (settings.redis() == null && quotas) {
      findings.add(
          warning(
              "REDIS_URL",
              "unset: quotas are counted by each process for itself and begin anew with it"));
    }
    if (settings.redis() == null && rates.replicas() > 1) {
      findings.add(
          warning("REPLICAS", "without REDIS_URL each instance enforces the whole of each limit"));
    }
    Settings.Redis redis = settings.redis();
    if (!settings.dev()
        && redis != null
        && redis.addresses().stream()
            .anyMatch(a -> "redis".equals(a.getScheme()) && a.getUserInfo() != null)) {
      findings.add(warning("REDIS_URL", "redis: the password is sent in the clear; use rediss"));
    }
    URI sink = settings.usage().sink();
    if (!settings.dev() && sink != null && "http".equals(sink.getScheme())) {
      findings.add(warning("USAGE_SINK_URL", "http: whoever is on the way can read the events"));
    }
    if (!settings.dev() && rates.perMinute() == 0) {
      findings.add(warning("RATE_LIMIT_PER_MIN", "0: callers may ask as fast as they like"));
    }
    if (!settings.dev() && rates.authFailuresPerMinute() == 0) {
      findings.add(warning("AUTH_FAILURES_PER_MIN", "0: credentials may be guessed at any rate"));
    }
  }

  private static Finding warning(String where, String text) {
    return new Finding(Severity.WARNING, where, text);
  }
}
