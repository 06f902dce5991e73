package luki.gateway.config;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import luki.gateway.http.Upstream;
import org.jspecify.annotations.Nullable;

/**
 * The settings of the environment, checked. Sizes are in bytes.
 *
 * @param telemetry the variables of OpenTelemetry, unchanged
 * @param drainDelay the part of the grace in which requests are still accepted
 * @param streamResume whether streams go on for a while without their clients
 * @param webSocket false with a server that cannot upgrade a connection
 */
public record Settings(
    String host,
    int port,
    boolean dev,
    Map<Upstream, URI> urls,
    Path gatewayFile,
    Path openapiFile,
    Duration poll,
    Path keyFile,
    Path rolloutFile,
    @Nullable Secret pepper,
    Jwt jwt,
    @Nullable Path serviceJwks,
    @Nullable Path signingKey,
    @Nullable Path previousSigningKey,
    @Nullable Path idempotencyKey,
    @Nullable Secret agentSecret,
    Duration consentCache,
    @Nullable Path auditFile,
    Set<String> corsOrigins,
    List<Cidr> trustedProxies,
    Limits limits,
    RateLimits rates,
    @Nullable Redis redis,
    UsageOut usage,
    Webhooks webhooks,
    Map<String, String> telemetry,
    Engines engines,
    boolean metricsOpen,
    boolean console,
    boolean webSocket,
    Doors doors,
    String logLevel,
    Duration shutdownGrace,
    Duration drainDelay,
    boolean streamResume) {

  private static final Duration MIN_GRACE = Duration.ofSeconds(1);

  public Settings {
    shutdownGrace = shutdownGrace.isZero() ? MIN_GRACE : shutdownGrace;
    urls = Map.copyOf(urls);
    corsOrigins = Set.copyOf(corsOrigins);
    trustedProxies = List.copyOf(trustedProxies);
    telemetry = Map.copyOf(telemetry);
  }

  /** Every service that has an address. */
  public Set<Upstream> services() {
    return Stream.concat(urls.keySet().stream(), doors.grpcUrls().keySet().stream())
        .collect(Collectors.toUnmodifiableSet());
  }

  /**
   * End users' tokens; none is accepted where neither key nor address is set.
   *
   * @param skew by which clocks may differ
   */
  public record Jwt(
      @Nullable Path publicKey,
      @Nullable URI jwks,
      @Nullable String issuer,
      String audience,
      Duration skew) {
    public boolean isOn() {
      return publicKey != null || jwks != null;
    }
  }

  /**
   * Bounds of sizes, connections and waits.
   *
   * @param bufferedBytes of all heads, bodies, replies and events together
   */
  public record Limits(
      int bodyBytes,
      int headerBytes,
      int replyBytes,
      int connections,
      int connectionsPerAddress,
      long bufferedBytes,
      Duration header,
      Duration idle,
      Duration write) {
    /** What an open connection takes beside that, with its buffer and its thread. */
    public static final int CONNECTION_BYTES = 16 * 1024;
  }

  /**
   * Rates of callers; 0 = unlimited.
   *
   * @param perMinute of each caller whose plan has no rate
   * @param globalPerMinute of all callers together
   * @param authFailuresPerMinute of each address
   * @param replicas instances that share the limits
   */
  public record RateLimits(
      int perMinute,
      int burst,
      int globalPerMinute,
      int authFailuresPerMinute,
      OnRedisLoss onRedisLoss,
      int replicas) {}

  /** What applies to callers while Redis is unavailable. */
  public enum OnRedisLoss {
    /** Each instance enforces its share of the limits. */
    LOCAL,
    /** Every call is refused: 503. */
    DENY,
    /** No limit is enforced. */
    ALLOW
  }

  /** Where counters are shared: one server, or several of a cluster. The text form hides it. */
  public record Redis(List<URI> addresses) {
    public Redis {
      addresses = List.copyOf(addresses);
    }

    @Override
    public String toString() {
      return "(Redis)";
    }
  }

  /**
   * Where usage events go.
   *
   * @param outbox the file that they are written to first; null: none are made
   * @param sink where they are sent from there; null: nowhere
   * @param secrets that sign them, the newest first
   */
  public record UsageOut(@Nullable Path outbox, @Nullable URI sink, List<Secret> secrets) {
    public UsageOut {
      secrets = List.copyOf(secrets);
    }
  }

  /**
   * Webhooks of callers.
   *
   * @param path where they are kept; null: they are switched off
   * @param key the file of the key that encrypts what is stored
   */
  public record Webhooks(@Nullable Path path, @Nullable Path key) {
    public boolean isOn() {
      return path != null;
    }
  }

  /** Which engines are used: the gateway's own, or the JDK's. */
  public record Engines(boolean edge, boolean wire) {}

  /**
   * Other entrances than HTTP with JSON.
   *
   * @param grpcPort null: none
   * @param grpcCertificate its chain; null with the key: without TLS
   * @param grpcUrls {@code grpc://} or {@code grpcs://} with a host and perhaps a port
   * @param directory where their jars are; null: {@code ext} beside the gateway's own
   */
  public record Doors(
      boolean graphql,
      @Nullable Integer grpcPort,
      @Nullable Path grpcCertificate,
      @Nullable Path grpcKey,
      Map<Upstream, URI> grpcUrls,
      @Nullable Path directory) {
    public Doors {
      grpcUrls = Map.copyOf(grpcUrls);
    }
  }

  /** A value that no text form shows. */
  public record Secret(String value) {
    @Override
    public String toString() {
      return "(secret)";
    }
  }

  /** Whether the address of the TCP connection is a trusted proxy. */
  public boolean trusts(String peer) {
    return trustedProxies.stream().anyMatch(block -> block.contains(peer));
  }
}
