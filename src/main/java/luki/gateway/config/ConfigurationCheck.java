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
  private static final long COPIES_OF_REPLY = 4;

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
      return text + (text.endsWith("?") ? " " : ". ") + check.reason();
    }

    /** It is about a variable that has no value. */
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
    if (check.prod && !settings.engines().edge()) {
      check.add(Check.JDK_SERVER, "HTTP_ENGINE", "is jdk");
    }
    check.secrets();
    check.ownerOnly(Variable.API_KEYS_FILE, settings.keyFile());
    check.ownerOnly(Variable.SERVICE_TOKEN_KEY_PATH, settings.signingKey());
    check.ownerOnly(Variable.SERVICE_TOKEN_PREVIOUS_KEY_PATH, settings.previousSigningKey());
    check.ownerOnly(Variable.IDEMPOTENCY_KEY_PATH, settings.idempotencyKey());
    check.ownerOnly(Variable.WEBHOOKS_KEY_PATH, settings.webhooks().key());
    check.services();
    check.limits(file);
    if (!file.versions().isEmpty()
        && !isWritable(settings.rolloutFile().toAbsolutePath().getParent())) {
      check.add(Check.ROLLOUT_FILE_READ_ONLY, "ROLLOUT_FILE", "cannot be written");
    }
    check.memory();
    check.access();
    check.roles(file);
    file.roles().forEach((role, granted) -> check.scopes("roles/" + role, granted, scopes));
    if (!file.callers().isEmpty() && settings.serviceJwks() == null) {
      check.add(Check.SERVICE_KEYS_UNSET, "SERVICE_JWKS_PATH", UNSET);
    }
    file.callers()
        .forEach((name, caller) -> check.scopes("services/" + name, caller.scopes(), scopes));
    return check.findings;
  }

  /** Metrics for everybody, and proxies whose word on addresses is taken. */
  private void access() {
    if (prod && settings.metricsOpen()) {
      add(Check.METRICS_OPEN, "METRICS_ACCESS", "is open");
    }
    List<Cidr> proxies = settings.trustedProxies();
    if (prod && proxies.isEmpty() && LOOPBACK.matcher(settings.host()).matches()) {
      String text = "unset, but only a proxy on this machine reaches HOST" + Environment.SHARED;
      add(Check.NO_PROXY_TRUSTED, "TRUSTED_PROXIES", text);
    }
    if (proxies.stream().anyMatch(Cidr::isEverything)) {
      add(Check.EVERY_PROXY_TRUSTED, "TRUSTED_PROXIES", "trusts every address");
    }
  }

  /** Roles by which users could act for each other. */
  private void roles(GatewayFile file) {
    Set<String> powerful = new HashSet<>(Set.of(GatewayFile.ADMIN));
    file.roles()
        .forEach(
            (role, granted) -> {
              if (granted.contains(Scope.ANY_USER)) {
                powerful.add(role);
                if (!MAY_ACT_FOR_ANYBODY.contains(role)) {
                  add(Check.ROLE_FOR_EVERY_USER, "roles/" + role, "grants users:any");
                }
              }
            });
    String text = "has a role that grants users:any";
    if (!Collections.disjoint(file.tokenRoles().taken(), powerful)) {
      add(Check.TOKEN_ROLE_FOR_EVERY_USER, "tokens/roles_taken", text);
    }
    if (!Collections.disjoint(file.tokenRoles().defaults(), powerful)) {
      add(Check.DEFAULT_ROLE_FOR_EVERY_USER, "tokens/default_roles", text);
    }
  }

  private void scopes(String where, Set<Scope> granted, Set<Scope> known) {
    List<String> names = known.stream().map(Scope::name).sorted().toList();
    for (Scope scope : granted) {
      if (!known.contains(scope)) {
        String nearest = Spelling.nearest(scope.name(), names).orElse("none");
        String text = "no operation asks for the scope " + scope + "; the nearest is " + nearest;
        add(Check.UNUSED_SCOPE, where, text);
      }
    }
  }

  private void secrets() {
    if (settings.pepper() == null) {
      add(Check.PEPPER_UNSET, "API_KEY_PEPPER", UNSET);
    }
    if (settings.signingKey() == null) {
      add(Check.SIGNING_KEY_UNSET, "SERVICE_TOKEN_KEY_PATH", UNSET);
    }
    URI jwks = settings.jwt().jwks();
    // What goes to this machine itself, such as a proxy beside the gateway, crosses no network.
    if (prod
        && jwks != null
        && isPlainHttp(jwks)
        && !LOOPBACK.matcher(String.valueOf(jwks.getHost())).matches()) {
      add(Check.JWKS_OVER_HTTP, "JWT_JWKS_URL", "is an http address");
    }
    if (settings.jwt().isOn() && settings.jwt().issuer() == null) {
      add(Check.ISSUER_UNSET, "JWT_ISSUER", UNSET);
    }
    if (settings.agentSecret() == null && settings.urls().containsKey(Upstream.AGENT)) {
      add(Check.AGENT_SECRET_UNSET, "AGENT_INTERNAL_SECRET", UNSET);
    }
  }

  private void ownerOnly(Variable variable, @Nullable Path file) throws IOException {
    if (file != null && !OwnerOnly.isPrivate(file)) {
      add(Check.FILE_READABLE_BY_OTHERS, variable.name(), OwnerOnly.ADVICE);
    }
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
      if (url == null) {
        add(Check.SERVICE_URL_UNSET, variable, UNSET);
      } else if (other != null) {
        add(Check.SERVICE_URL_SHARED, variable, "has the same address as " + other);
      }
    }
  }

  private void limits(GatewayFile file) {
    Settings.RateLimits rates = settings.rates();
    Settings.Redis redis = settings.redis();
    if (redis == null && file.plans().values().stream().anyMatch(p -> !p.quotas().isEmpty())) {
      add(Check.QUOTAS_NOT_SHARED, "REDIS_URL", UNSET);
    }
    if (redis == null && rates.replicas() > 1) {
      add(Check.LIMITS_NOT_SHARED, "REPLICAS", "is more than 1, and REDIS_URL is unset");
    }
    if (redis != null && settings.idempotencyKey() == null) {
      add(Check.IDEMPOTENCY_KEY_UNSET, "IDEMPOTENCY_KEY_PATH", UNSET);
    }
    if (settings.webhooks().isOn() && (redis != null || rates.replicas() > 1)) {
      add(Check.JOBS_NOT_SHARED, "WEBHOOKS_PATH", "is set, and there are several instances");
    }
    if (prod
        && redis != null
        && redis.addresses().stream().anyMatch(ConfigurationCheck::showsPassword)) {
      add(Check.REDIS_UNENCRYPTED, "REDIS_URL", "has a password and no TLS");
    }
    if (prod && isPlainHttp(settings.usage().sink())) {
      add(Check.USAGE_SINK_UNENCRYPTED, "USAGE_SINK_URL", "is an http address");
    }
    if (prod && rates.perMinute() == 0) {
      add(Check.RATE_LIMIT_OFF, "RATE_LIMIT_PER_MIN", "is 0");
    }
    if (prod && rates.authFailuresPerMinute() == 0) {
      add(Check.AUTH_FAILURE_LIMIT_OFF, "AUTH_FAILURES_PER_MIN", "is 0");
    }
  }

  private static boolean showsPassword(URI redis) {
    return "redis".equals(redis.getScheme()) && redis.getRawAuthority().indexOf('@') >= 0;
  }

  /** Whether the heap suffices for what the limits allow. */
  private void memory() {
    Settings.Limits limits = settings.limits();
    long heap = Runtime.getRuntime().maxMemory();
    long connections = (long) limits.connections() * Settings.Limits.CONNECTION_BYTES;
    if (limits.bufferedBytes() + connections + OWN_BYTES > heap) {
      String text =
          "%d MB, with %d MB for MAX_CONNECTIONS and %d MB for the program, is more than the heap of %d MB"
              .formatted(limits.bufferedBytes() / MB, connections / MB, OWN_BYTES / MB, heap / MB);
      add(Check.BUFFERS_EXCEED_HEAP, "MAX_BUFFERED_BYTES", text);
    }
    long share = limits.bufferedBytes() / 4;
    long reply = COPIES_OF_REPLY * limits.replyBytes();
    if (reply > share) {
      String text =
          "a reply of that length takes up to %d MB, one caller's share of MAX_BUFFERED_BYTES is %d MB:"
                  .formatted(reply / MB, share / MB)
              + " longer replies get 503";
      add(Check.REPLY_EXCEEDS_SHARE, "MAX_REPLY_BYTES", text);
    }
  }

  private static boolean isPlainHttp(@Nullable URI address) {
    return address != null && "http".equals(address.getScheme());
  }

  private void add(Check check, String where, String text) {
    findings.add(new Finding(check, check.severity(prod), where, text));
  }
}
