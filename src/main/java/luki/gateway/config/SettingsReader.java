package luki.gateway.config;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import luki.gateway.http.Upstream;
import luki.http1.Authority;
import org.jspecify.annotations.Nullable;

/** Environment to settings; every value that is not what it should be becomes a problem. */
public record SettingsReader(Environment environment) {
  private static final int MIN_PEPPER_BYTES = 32;
  private static final List<String> LEVELS = List.of("TRACE", "DEBUG", "INFO", "WARN", "ERROR");
  private static final int MAX_CONNECTIONS = 20_000;
  // Standard Webhooks: the prefix of a secret and its size in bytes.
  private static final String SECRET_PREFIX = "whsec_";
  private static final int MIN_SECRET = 24;
  private static final int MAX_SECRET = 64;

  public static Settings read(Environment environment) {
    return new SettingsReader(environment).settings();
  }

  private Settings settings() {
    boolean dev = environment.choice(Variable.ENVIRONMENT, List.of("dev", "prod")).equals("dev");
    String host = environment.get(Variable.HOST);
    List<URI> redis =
        environment.list(
            Variable.REDIS_URL,
            SettingsReader::redisAddress,
            "must be redis://[user:password@]host[:port][/database] or rediss://…, or a comma"
                + " list of them for a cluster");
    return new Settings(
        host != null ? host : dev ? "127.0.0.1" : Variable.HOST.defaultText(),
        environment.number(Variable.PORT, 0, 65535),
        dev,
        urls(),
        environment.file(Variable.GATEWAY_CONFIG),
        environment.file(Variable.OPENAPI_FILE),
        environment.seconds(Variable.CONFIG_POLL_S, 0, 3600),
        environment.noDirectory(Variable.API_KEYS_FILE),
        Path.of(environment.text(Variable.ROLLOUT_FILE)),
        environment.parsed(
            Variable.API_KEY_PEPPER, SettingsReader::pepper, "must have at least 32 bytes"),
        jwt(dev),
        environment.optionalFile(Variable.SERVICE_JWKS_PATH),
        environment.optionalFile(Variable.SERVICE_TOKEN_KEY_PATH),
        environment.optionalFile(Variable.SERVICE_TOKEN_PREVIOUS_KEY_PATH),
        environment.optionalFile(Variable.IDEMPOTENCY_KEY_PATH),
        environment.parsed(
            Variable.AGENT_INTERNAL_SECRET, SettingsReader::fieldValue, "must be visible ASCII"),
        environment.seconds(Variable.CONSENT_CACHE_S, 0, 30),
        environment.created(Variable.AUDIT_FILE),
        origins(),
        environment.list(
            Variable.TRUSTED_PROXIES,
            block -> Cidr.parse(block).orElse(null),
            "must list blocks such as 10.0.0.0/8"),
        limits(),
        rates(),
        redis.isEmpty() ? null : new Settings.Redis(redis),
        usage(),
        DoorSettings.webhooks(environment),
        environment.telemetry(),
        new Settings.Engines(
            environment.choice(Variable.HTTP_ENGINE, List.of("edge", "jdk")).equals("edge"),
            environment.choice(Variable.HTTP_CLIENT, List.of("wire", "jdk")).equals("wire")),
        environment.get(Variable.METRICS_ACCESS) == null
            ? dev
            : environment.choice(Variable.METRICS_ACCESS, List.of("scope", "open")).equals("open"),
        environment.get(Variable.CONSOLE_ENABLED) == null
            ? dev
            : environment.choice(Variable.CONSOLE_ENABLED, List.of("true", "false")).equals("true"),
        webSocket(),
        DoorSettings.read(environment),
        environment.choice(Variable.LOG_LEVEL, LEVELS),
        environment.seconds(Variable.SHUTDOWN_GRACE_S, 0, 600),
        drainDelay(),
        environment.choice(Variable.STREAM_RESUME, List.of("on", "off")).equals("on"));
  }

  /** At least two seconds of the grace are for requests and streams in flight. */
  private Duration drainDelay() {
    int grace = environment.number(Variable.SHUTDOWN_GRACE_S, 0, 600);
    return environment.seconds(Variable.DRAIN_DELAY_S, 0, Math.max(0, grace - 2));
  }

  private boolean webSocket() {
    boolean edge = environment.text(Variable.HTTP_ENGINE).equals("edge");
    boolean wanted =
        environment.choice(Variable.WEBSOCKET_ENABLED, List.of("true", "false")).equals("true");
    if (wanted && !edge && environment.get(Variable.WEBSOCKET_ENABLED) != null) {
      environment.problem(Variable.WEBSOCKET_ENABLED, "needs HTTP_ENGINE=edge");
    }
    return wanted && edge;
  }

  private Settings.Jwt jwt(boolean dev) {
    Settings.Jwt jwt =
        new Settings.Jwt(
            environment.optionalFile(Variable.JWT_PUBLIC_KEY_PATH),
            environment.parsed(
                Variable.JWT_JWKS_URL,
                SettingsReader::httpAddressWithQuery,
                "must be an http or https address"),
            environment.get(Variable.JWT_ISSUER),
            environment.text(Variable.JWT_AUDIENCE),
            environment.seconds(Variable.JWT_CLOCK_SKEW_S, 0, 600));
    if (jwt.publicKey() != null && jwt.jwks() != null) {
      environment.problem(
          Variable.JWT_PUBLIC_KEY_PATH, "must not be set together with JWT_JWKS_URL");
    }
    if (jwt.isOn() && jwt.issuer() == null && !dev) {
      environment.problem(Variable.JWT_ISSUER, "must be set in prod: who issues the tokens");
    }
    return jwt;
  }

  private Settings.Limits limits() {
    long heap = Runtime.getRuntime().maxMemory();
    Long buffered =
        environment.parsed(
            Variable.MAX_BUFFERED_BYTES,
            text -> text.matches("[1-9]\\d{6,14}") ? Long.valueOf(text) : null,
            "must be a number of bytes, 1000000 or more");
    return new Settings.Limits(
        environment.number(Variable.MAX_BODY_BYTES, 1, 1 << 28),
        environment.number(Variable.MAX_HEADER_BYTES, 1024, 1 << 20),
        environment.number(Variable.MAX_REPLY_BYTES, 1024, 1 << 30),
        environment.get(Variable.MAX_CONNECTIONS) == null
            ? (int) Math.min(MAX_CONNECTIONS, heap / 3 / Settings.Limits.CONNECTION_BYTES)
            : environment.number(Variable.MAX_CONNECTIONS, 1, 1_000_000),
        environment.number(Variable.MAX_CONNECTIONS_PER_ADDRESS, 0, 1_000_000),
        buffered == null ? heap / 3 : buffered,
        environment.seconds(Variable.HEADER_TIMEOUT_S, 1, 600),
        environment.seconds(Variable.IDLE_TIMEOUT_S, 1, 3600),
        environment.seconds(Variable.WRITE_TIMEOUT_S, 1, 600));
  }

  private Settings.RateLimits rates() {
    int perMinute = environment.number(Variable.RATE_LIMIT_PER_MIN, 0, Plan.MAX_PER_MINUTE);
    String onLoss =
        environment.choice(Variable.RATE_LIMIT_ON_REDIS_LOSS, List.of("local", "deny", "allow"));
    return new Settings.RateLimits(
        perMinute,
        environment.get(Variable.RATE_LIMIT_BURST) == null
            ? perMinute
            : environment.number(Variable.RATE_LIMIT_BURST, 1, Plan.MAX_PER_MINUTE),
        environment.number(Variable.RATE_LIMIT_GLOBAL_PER_MIN, 0, Plan.MAX_PER_MINUTE),
        environment.number(Variable.AUTH_FAILURES_PER_MIN, 0, Plan.MAX_PER_MINUTE),
        Settings.OnRedisLoss.valueOf(onLoss.toUpperCase(Locale.ROOT)),
        environment.number(Variable.REPLICAS, 1, 10_000));
  }

  private Settings.UsageOut usage() {
    Path outbox = environment.created(Variable.USAGE_OUTBOX);
    URI sink =
        environment.parsed(
            Variable.USAGE_SINK_URL,
            SettingsReader::httpAddress,
            "must be an http or https address");
    List<Settings.Secret> secrets =
        environment.list(
            Variable.USAGE_SINK_SECRET,
            SettingsReader::signingSecret,
            "must be whsec_ and base64 of 24 to 64 bytes, or a comma list of them");
    if (sink != null && (outbox == null || environment.get(Variable.USAGE_SINK_SECRET) == null)) {
      environment.problem(
          Variable.USAGE_SINK_URL, "needs USAGE_OUTBOX and USAGE_SINK_SECRET as well");
    }
    return new Settings.UsageOut(outbox, sink, secrets);
  }

  private Map<Upstream, URI> urls() {
    Map<Upstream, URI> urls = new EnumMap<>(Upstream.class);
    for (Upstream upstream : Upstream.values()) {
      URI url =
          environment.parsed(
              variableOf(upstream),
              SettingsReader::serviceUrl,
              "must be http://host[:port] or https://host[:port], nothing else");
      if (url == null) {
        continue;
      }
      // The JDK's client knows no host with an underscore in its name.
      if (url.getHost() == null && environment.text(Variable.HTTP_CLIENT).equals("jdk")) {
        environment.problem(
            variableOf(upstream), "has a host with an underscore, which needs HTTP_CLIENT=wire");
      }
      urls.put(upstream, url);
    }
    return urls;
  }

  /** The variable with the address of a service. */
  public static Variable variableOf(Upstream upstream) {
    return switch (upstream) {
      case AGENT -> Variable.AGENT_URL;
      case MEMORY -> Variable.MEMORY_URL;
      case COGNITIVE -> Variable.COG_URL;
      case ENGAGEMENT -> Variable.ENG_URL;
      case REPORTING -> Variable.REP_URL;
      case SECURITY -> Variable.SECURITY_URL;
      case TOKENS -> Variable.TOKEN_URL;
    };
  }

  private Set<String> origins() {
    return new HashSet<>(
        environment.list(
            Variable.CORS_ALLOWED_ORIGINS,
            origin -> origin.matches("https?://[^/*\\s]+") ? origin : null,
            "must list exact origins such as https://app.example, without a path or a wildcard"));
  }

  private static Settings.@Nullable Secret pepper(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length < MIN_PEPPER_BYTES
        ? null
        : new Settings.Secret(text);
  }

  private static Settings.@Nullable Secret fieldValue(String text) {
    return text.chars().allMatch(c -> c > 0x20 && c < 0x7f) ? new Settings.Secret(text) : null;
  }

  private static Settings.@Nullable Secret signingSecret(String text) {
    try {
      int bytes =
          text.startsWith(SECRET_PREFIX)
              ? Base64.getDecoder().decode(text.substring(SECRET_PREFIX.length())).length
              : 0;
      return bytes >= MIN_SECRET && bytes <= MAX_SECRET ? new Settings.Secret(text) : null;
    } catch (IllegalArgumentException malformed) {
      return null;
    }
  }

  private static @Nullable URI httpAddress(String text) {
    URI url = httpAddressWithQuery(text);
    return url != null && url.getRawQuery() == null ? url : null;
  }

  private static @Nullable URI httpAddressWithQuery(String text) {
    URI url = address(text, "http", "https");
    return url != null && url.getRawAuthority().indexOf('@') < 0 ? url : null;
  }

  static @Nullable URI serviceUrl(String text) {
    URI url = httpAddress(text.endsWith("/") ? text.substring(0, text.length() - 1) : text);
    return url == null || !url.getRawPath().isEmpty() ? null : url;
  }

  private static @Nullable URI redisAddress(String text) {
    URI address = address(text, "redis", "rediss");
    boolean valid =
        address != null
            && address.getRawPath().matches("(/\\d{0,3})?")
            && address.getRawQuery() == null;
    return valid ? address : null;
  }

  /** An address of one of the two schemes, with a host that can be called. */
  static @Nullable URI address(String text, String scheme, String secureScheme) {
    try {
      URI address = new URI(text);
      Authority authority = Authority.of(address);
      boolean valid =
          (scheme.equals(address.getScheme()) || secureScheme.equals(address.getScheme()))
              && authority != null
              && authority.port() != 0
              && authority.port() < 65536
              && address.getRawFragment() == null;
      return valid ? address : null;
    } catch (URISyntaxException malformed) {
      return null;
    }
  }
}
