package luki.gateway.config;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import luki.gateway.http.Upstream;
import org.jspecify.annotations.Nullable;

/** Environment to settings; every value that is not what it should be becomes a problem. */
public final class SettingsReader {
  private static final int MIN_PEPPER_BYTES = 32;
  private static final List<String> LEVELS = List.of("TRACE", "DEBUG", "INFO", "WARN", "ERROR");

  private final Environment environment;
  private final Problems problems;
  private final Values values;
  private final CountingSettings shared;

  private SettingsReader(Environment environment, Problems problems) {
    this.environment = environment;
    this.problems = problems;
    this.values = new Values(environment, problems);
    this.shared = new CountingSettings(values);
  }

  public static Settings read(Environment environment, Problems problems) {
    return new SettingsReader(environment, problems).settings();
  }

  private Settings settings() {
    boolean dev = values.choice(Variable.ENVIRONMENT, List.of("dev", "prod")).equals("dev");
    String host = environment.get(Variable.HOST);
    String metrics = environment.get(Variable.METRICS_ACCESS);
    return new Settings(
        host != null ? host : dev ? "127.0.0.1" : Variable.HOST.defaultText(),
        values.number(Variable.PORT, 0, 65535),
        dev,
        urls(),
        values.existing(Variable.GATEWAY_CONFIG),
        values.existing(Variable.OPENAPI_FILE),
        Path.of(values.text(Variable.API_KEYS_FILE)),
        pepper(),
        jwt(dev),
        values.optionalFile(Variable.SERVICE_JWKS_PATH),
        values.optionalFile(Variable.SERVICE_TOKEN_KEY_PATH),
        values.optionalFile(Variable.SERVICE_TOKEN_PREVIOUS_KEY_PATH),
        secretHeader(),
        Duration.ofSeconds(values.number(Variable.CONSENT_CACHE_S, 0, 30)),
        values.optional(Variable.AUDIT_FILE),
        origins(),
        proxies(),
        limits(),
        shared.rates(),
        shared.redis(),
        shared.usage(),
        environment.beginningWith("OTEL_"),
        new Settings.Engines(
            values.choice(Variable.HTTP_ENGINE, List.of("edge", "jdk")).equals("edge"),
            values.choice(Variable.HTTP_CLIENT, List.of("wire", "jdk")).equals("wire")),
        metrics == null
            ? dev
            : values.choice(Variable.METRICS_ACCESS, List.of("scope", "open")).equals("open"),
        values.choice(Variable.LOG_LEVEL, LEVELS),
        Duration.ofSeconds(values.number(Variable.SHUTDOWN_GRACE_S, 0, 600)));
  }

  private Settings.Jwt jwt(boolean dev) {
    String address = environment.get(Variable.JWT_JWKS_URL);
    URI jwks = address == null ? null : Values.httpAddress(address);
    if (address != null && jwks == null) {
      problems.add(Variable.JWT_JWKS_URL.name(), "must be an http or https address");
    }
    Settings.Jwt jwt =
        new Settings.Jwt(
            values.optionalFile(Variable.JWT_PUBLIC_KEY_PATH),
            jwks,
            environment.get(Variable.JWT_ISSUER),
            values.text(Variable.JWT_AUDIENCE),
            Duration.ofSeconds(values.number(Variable.JWT_CLOCK_SKEW_S, 0, 600)));
    if (jwt.publicKey() != null && jwt.jwks() != null) {
      problems.add(
          Variable.JWT_PUBLIC_KEY_PATH.name(), "must not be set together with JWT_JWKS_URL");
    }
    if (jwt.isOn() && jwt.issuer() == null && !dev) {
      problems.add(Variable.JWT_ISSUER.name(), "must be set in prod: who issues the tokens");
    }
    return jwt;
  }

  private Settings.Limits limits() {
    return new Settings.Limits(
        values.number(Variable.MAX_BODY_BYTES, 1, 1 << 28),
        values.number(Variable.MAX_HEADER_BYTES, 1024, 1 << 20),
        values.number(Variable.MAX_REPLY_BYTES, 1024, 1 << 30),
        values.number(Variable.MAX_CONNECTIONS, 1, 1_000_000),
        values.number(Variable.MAX_CONNECTIONS_PER_ADDRESS, 0, 1_000_000),
        Duration.ofSeconds(values.number(Variable.HEADER_TIMEOUT_S, 1, 600)),
        Duration.ofSeconds(values.number(Variable.IDLE_TIMEOUT_S, 1, 3600)),
        Duration.ofSeconds(values.number(Variable.WRITE_TIMEOUT_S, 1, 600)));
  }

  private Settings.@Nullable Secret pepper() {
    String value = environment.get(Variable.API_KEY_PEPPER);
    if (value == null) {
      return null;
    }
    if (value.getBytes(StandardCharsets.UTF_8).length < MIN_PEPPER_BYTES) {
      problems.add(Variable.API_KEY_PEPPER.name(), "must have at least 32 bytes");
    }
    return new Settings.Secret(value);
  }

  private Settings.@Nullable Secret secretHeader() {
    String value = environment.get(Variable.AGENT_INTERNAL_SECRET);
    if (value == null) {
      return null;
    }
    if (!value.chars().allMatch(c -> c > 0x20 && c < 0x7f)) {
      problems.add(Variable.AGENT_INTERNAL_SECRET.name(), "must be visible ASCII");
    }
    return new Settings.Secret(value);
  }

  private Map<Upstream, URI> urls() {
    Map<Upstream, URI> urls = new EnumMap<>(Upstream.class);
    for (Upstream upstream : Upstream.values()) {
      Variable variable = variableOf(upstream);
      String value = environment.get(variable);
      if (value != null) {
        URI url = serviceUrl(value);
        if (url == null) {
          problems.add(
              variable.name(), "must be http://host[:port] or https://host[:port], nothing else");
        } else {
          urls.put(upstream, url);
        }
      }
    }
    return urls;
  }

  /** The variable that holds the address of a service. */
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

  private static @Nullable URI serviceUrl(String value) {
    URI url =
        Values.httpAddress(value.endsWith("/") ? value.substring(0, value.length() - 1) : value);
    return url == null || !url.getRawPath().isEmpty() ? null : url;
  }

  private Set<String> origins() {
    Set<String> origins = new LinkedHashSet<>(values.commaList(Variable.CORS_ALLOWED_ORIGINS));
    if (!origins.stream().allMatch(origin -> origin.matches("https?://[^/*\\s]+"))) {
      problems.add(
          Variable.CORS_ALLOWED_ORIGINS.name(),
          "must list exact origins such as https://app.example, without a path or a wildcard");
    }
    return origins;
  }

  private List<Cidr> proxies() {
    List<Cidr> blocks = new ArrayList<>();
    for (String item : values.commaList(Variable.TRUSTED_PROXIES)) {
      Cidr.parse(item)
          .ifPresentOrElse(
              blocks::add,
              () ->
                  problems.add(
                      Variable.TRUSTED_PROXIES.name(), "must list blocks such as 10.0.0.0/8"));
    }
    return blocks;
  }
}
