package luki.gateway.config;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import luki.gateway.http.Scope;
import luki.gateway.http.Upstream;
import org.jspecify.annotations.Nullable;

/** Finds what is unwise in a configuration that is valid. */
public final class ConfigurationCheck {
  // DOWNSTREAMS' roles: a care team gets its users by name, on the key or from the token.
  private static final Set<String> MAY_ACT_FOR_ANYBODY = Set.of("agent");

  private static final Pattern LOOPBACK =
      Pattern.compile("localhost|127\\.\\d+\\.\\d+\\.\\d+|\\[::1]", Pattern.CASE_INSENSITIVE);
  private static final long MB = 1024 * 1024;
  private static final long OWN_BYTES = 64 * MB;
  // A reply, the values in it, and the text made of them.
  private static final int COPIES_OF_REPLY = 4;

  static final String UNSET = "is unset";

  private final Settings settings;
  private final boolean prod;
  private final List<Finding> findings = new ArrayList<>();

  private ConfigurationCheck(Settings settings) {
    this.settings = settings;
    this.prod = !settings.dev();
  }

  /** How bad it is; a critical finding prevents startup in prod. */
  public enum Severity {
    CRITICAL,
    WARNING
  }

  /** One thing to change, and where: the variable or the place in the file. */
  public record Finding(Check check, Severity severity, String where, String text) {
    /** One whose severity is the same in dev and prod. */
    public static Finding of(Check check, String where, String text) {
      return new Finding(check, check.severity(true), where, text);
    }

    /** What it is, and what follows from it. */
    public String sentences() {
      return text + ". " + check.reason();
    }

    /** It is about a variable without a value, as most are at a desk. */
    public boolean isOfUnset() {
      return text.equals(UNSET);
    }

    /** It prevents startup in prod. */
    public boolean isCritical() {
      return severity == Severity.CRITICAL;
    }
  }

  /** The scopes are those that an operation of the contract asks for. */
  public static List<Finding> of(Settings settings, GatewayFile file, Set<Scope> scopes)
      throws IOException {
    ConfigurationCheck check = new ConfigurationCheck(settings);
    check.addIf(
        check.prod && !settings.engines().edge(), Check.JDK_SERVER, "HTTP_ENGINE", "is jdk");
    check.secrets();
    check.ownerOnly(Variable.API_KEYS_FILE, settings.keyFile());
    check.ownerOnly(Variable.SERVICE_TOKEN_KEY_PATH, settings.signingKey());
    check.ownerOnly(Variable.SERVICE_TOKEN_PREVIOUS_KEY_PATH, settings.previousSigningKey());
    check.ownerOnly(Variable.IDEMPOTENCY_KEY_PATH, settings.idempotencyKey());
    check.ownerOnly(Variable.WEBHOOKS_KEY_PATH, settings.webhooks().key());
    check.services();
    check.limits(file);
    check.addIf(
        !file.versions().isEmpty()
            && !isWritable(settings.rolloutFile().toAbsolutePath().getParent()),
        Check.ROLLOUT_FILE_READ_ONLY,
        "ROLLOUT_FILE",
        "cannot be written");
    check.memory();
    check.addIf(
        check.prod && settings.metricsOpen(), Check.METRICS_OPEN, "METRICS_ACCESS", "is open");
    check.addIf(
        check.prod
            && settings.trustedProxies().isEmpty()
            && LOOPBACK.matcher(settings.host()).matches(),
        Check.NO_PROXY_TRUSTED,
        "TRUSTED_PROXIES",
        "unset, but only a proxy on this machine reaches HOST" + Environment.SHARED);
    check.addIf(
        settings.trustedProxies().stream().anyMatch(Cidr::isEverything),
        Check.EVERY_PROXY_TRUSTED,
        "TRUSTED_PROXIES",
        "trusts every address");
    check.roles(file);
    file.roles().forEach((role, granted) -> check.scopes("roles/" + role, granted, scopes));
    file.callers()
        .forEach((name, caller) -> check.scopes("services/" + name, caller.scopes(), scopes));
    return check.findings;
  }

  /** Roles by which users could act for each other. */
  private void roles(GatewayFile file) {
    Set<String> powerful = new HashSet<>(Set.of(GatewayFile.ADMIN));
    file.roles()
        .forEach(
            (role, granted) -> {
              if (granted.contains(Scope.ANY_USER)) {
                powerful.add(role);
                addIf(
                    !MAY_ACT_FOR_ANYBODY.contains(role),
                    Check.ROLE_FOR_EVERY_USER,
                    "roles/" + role,
                    "grants users:any");
              }
            });
    addIf(
        !Collections.disjoint(file.tokenRoles().taken(), powerful),
        Check.TOKEN_ROLE_FOR_EVERY_USER,
        "tokens/roles_taken",
        "has a role that grants users:any");
    addIf(
        !Collections.disjoint(file.tokenRoles().defaults(), powerful),
        Check.DEFAULT_ROLE_FOR_EVERY_USER,
        "tokens/default_roles",
        "has a role that grants users:any");
  }

  private void scopes(String where, Set<Scope> granted, Set<Scope> known) {
    List<String> names = known.stream().map(Scope::name).sorted().toList();
    for (Scope scope : granted) {
      addIf(
          !known.contains(scope),
          Check.UNUSED_SCOPE,
          where,
          "no operation asks for the scope "
              + scope.name()
              + "; the nearest is "
              + Spelling.nearest(scope.name(), names).orElse("none"));
    }
  }

  private void secrets() {
    addIf(settings.pepper() == null, Check.PEPPER_UNSET, "API_KEY_PEPPER", UNSET);
    addIf(settings.signingKey() == null, Check.SIGNING_KEY_UNSET, "SERVICE_TOKEN_KEY_PATH", UNSET);
    URI jwks = settings.jwt().jwks();
    // What goes to this machine itself, such as a proxy beside the gateway, crosses no network.
    addIf(
        prod
            && jwks != null
            && isPlainHttp(jwks)
            && !LOOPBACK.matcher(String.valueOf(jwks.getHost())).matches(),
        Check.JWKS_OVER_HTTP,
        "JWT_JWKS_URL",
        "is an http address");
    addIf(
        settings.jwt().isOn() && settings.jwt().issuer() == null,
        Check.ISSUER_UNSET,
        "JWT_ISSUER",
        UNSET);
    addIf(
        settings.agentSecret() == null && settings.urls().containsKey(Upstream.AGENT),
        Check.AGENT_SECRET_UNSET,
        "AGENT_INTERNAL_SECRET",
        UNSET);
  }

  private void ownerOnly(Variable variable, @Nullable Path file) throws IOException {
    addIf(
        file != null && !OwnerOnly.isPrivate(file),
        Check.FILE_READABLE_BY_OTHERS,
        variable.name(),
        OwnerOnly.ADVICE);
  }

  /** Whether files can be made in a directory, or the directory itself can be made. */
  private static boolean isWritable(@Nullable Path directory) {
    Path existing = directory;
    while (existing != null && Files.notExists(existing)) {
      existing = existing.getParent();
    }
    return existing != null && Files.isDirectory(existing) && Files.isWritable(existing);
  }

  private void services() {
    Map<URI, String> seen = new HashMap<>();
    for (Upstream upstream : Upstream.values()) {
      URI url = settings.urls().get(upstream);
      String variable = SettingsReader.variableOf(upstream).name();
      String other = url == null ? null : seen.putIfAbsent(url, variable);
      addIf(url == null, Check.SERVICE_URL_UNSET, variable, UNSET);
      addIf(other != null, Check.SERVICE_URL_SHARED, variable, "has the same address as " + other);
    }
  }

  private void limits(GatewayFile file) {
    Settings.RateLimits rates = settings.rates();
    Settings.Redis redis = settings.redis();
    addIf(
        redis == null && file.plans().values().stream().anyMatch(plan -> !plan.quotas().isEmpty()),
        Check.QUOTAS_NOT_SHARED,
        "REDIS_URL",
        UNSET);
    addIf(
        redis == null && rates.replicas() > 1,
        Check.LIMITS_NOT_SHARED,
        "REPLICAS",
        "is more than 1, and REDIS_URL is unset");
    addIf(
        redis != null && settings.idempotencyKey() == null,
        Check.IDEMPOTENCY_KEY_UNSET,
        "IDEMPOTENCY_KEY_PATH",
        UNSET);
    addIf(
        settings.webhooks().isOn() && (redis != null || rates.replicas() > 1),
        Check.JOBS_NOT_SHARED,
        "WEBHOOKS_PATH",
        "is set, and there are several instances");
    addIf(
        prod
            && redis != null
            && redis.addresses().stream()
                .anyMatch(
                    a -> "redis".equals(a.getScheme()) && a.getRawAuthority().indexOf('@') >= 0),
        Check.REDIS_UNENCRYPTED,
        "REDIS_URL",
        "has a password and no TLS");
    addIf(
        prod && isPlainHttp(settings.usage().sink()),
        Check.USAGE_SINK_UNENCRYPTED,
        "USAGE_SINK_URL",
        "is an http address");
    addIf(prod && rates.perMinute() == 0, Check.RATE_LIMIT_OFF, "RATE_LIMIT_PER_MIN", "is 0");
    addIf(
        prod && rates.authFailuresPerMinute() == 0,
        Check.AUTH_FAILURE_LIMIT_OFF,
        "AUTH_FAILURES_PER_MIN",
        "is 0");
  }

  /** Whether the heap suffices for what the limits allow. */
  private void memory() {
    Settings.Limits limits = settings.limits();
    long heap = Runtime.getRuntime().maxMemory();
    long connections = (long) limits.connections() * Settings.Limits.CONNECTION_BYTES;
    addIf(
        limits.bufferedBytes() + connections + OWN_BYTES > heap,
        Check.BUFFERS_EXCEED_HEAP,
        "MAX_BUFFERED_BYTES",
        "%d MB, with %d MB for MAX_CONNECTIONS and %d MB for the program, is more than the heap of %d MB"
            .formatted(limits.bufferedBytes() / MB, connections / MB, OWN_BYTES / MB, heap / MB));
    long share = limits.bufferedBytes() / 4;
    addIf(
        (long) COPIES_OF_REPLY * limits.replyBytes() > share,
        Check.REPLY_EXCEEDS_SHARE,
        "MAX_REPLY_BYTES",
        "a reply of that length takes up to %d MB, one caller's share of MAX_BUFFERED_BYTES is %d MB:"
                .formatted((long) COPIES_OF_REPLY * limits.replyBytes() / MB, share / MB)
            + " longer replies get 503");
  }

  private static boolean isPlainHttp(@Nullable URI address) {
    return address != null && "http".equals(address.getScheme());
  }

  private void addIf(boolean condition, Check check, String where, String text) {
    if (condition) {
      findings.add(new Finding(check, check.severity(prod), where, text));
    }
  }
}
