package luki.gateway.config;

import java.net.URI;
import java.time.Duration;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import luki.gateway.http.Scope;
import luki.gateway.http.Upstream;
import luki.gateway.http.UpstreamVersion;
import luki.gateway.json.Json;
import luki.gateway.json.Located;
import org.jspecify.annotations.Nullable;

/**
 * The content of {@code config/gateway.yaml}.
 *
 * @param redisDeadline how long a request may wait for a counter in Redis
 * @param maxQueueDelay how long ready work may wait for a processor before requests are refused;
 *     zero: as long as it takes
 * @param roles what each role may do; {@code admin} is not among them, it has every scope
 */
public record GatewayFile(
    Map<String, Set<Scope>> roles,
    Map<String, Caller> callers,
    TokenRoles tokenRoles,
    Map<String, Plan.Rules> plans,
    Map<Upstream, Service> upstreams,
    Streams streams,
    Breaker breaker,
    FairShare fairShare,
    Duration chatMemoryDeadline,
    Duration redisDeadline,
    Duration defaultDeadline,
    int maxInFlight,
    Duration maxQueueDelay,
    Section grpc) {

  /** The role that has every scope that the contract names. */
  public static final String ADMIN = "admin";

  public GatewayFile {
    roles = Map.copyOf(roles);
    callers = Map.copyOf(callers);
    plans = Map.copyOf(plans);
    upstreams = Map.copyOf(upstreams);
  }

  /**
   * An internal service that may call the gateway.
   *
   * @param keys ids of the keys that it signs with
   * @param plan null for the default one
   */
  public record Caller(
      Set<String> keys, Set<String> roles, Set<Scope> scopes, @Nullable String plan) {
    public Caller {
      keys = Set.copyOf(keys);
      roles = Set.copyOf(roles);
      scopes = Set.copyOf(scopes);
    }
  }

  /**
   * The roles of end users' tokens.
   *
   * @param claims that hold roles: names, or JSON Pointers (RFC 6901), which begin with a slash
   * @param taken roles that a token may carry; any other is ignored
   * @param defaults roles of a token without any of them
   */
  public record TokenRoles(List<String> claims, Set<String> taken, Set<String> defaults) {
    public TokenRoles {
      claims = List.copyOf(claims);
      taken = Set.copyOf(taken);
      defaults = Set.copyOf(defaults);
    }
  }

  /**
   * How a service is called.
   *
   * @param connect connect timeout
   * @param total from the call to the last byte of a unary reply
   * @param maxConcurrent calls in flight; the next is refused at once
   * @param versions addresses of versions beside the stable one, at most two
   */
  public record Service(
      Duration connect,
      Duration total,
      int maxConcurrent,
      SortedMap<UpstreamVersion, URI> versions) {
    public Service {
      versions = Collections.unmodifiableSortedMap(new TreeMap<>(versions));
    }
  }

  /**
   * Bounds of event streams.
   *
   * @param firstEvent longest wait for the agent's first event
   * @param betweenEvents longest silence of the agent after it
   * @param total longest life of a stream
   * @param answerBy without an event by then the status is sent with a comment
   * @param keepAlive silence after which a comment is sent
   * @param maxEventBytes longest single event
   * @param maxOpen streams at once; the next is refused at once
   */
  public record Streams(
      Duration firstEvent,
      Duration betweenEvents,
      Duration total,
      Duration answerBy,
      Duration keepAlive,
      int maxEventBytes,
      int maxOpen) {}

  /**
   * When the circuit breaker of a failing service opens.
   *
   * @param window over which calls are counted
   * @param minCalls with fewer it stays closed
   * @param minCallers failures of fewer callers count only where no connection was made
   * @param open how long it stays open before a probe
   * @param probes successful ones in a row that close it
   * @param slowCall a successful call that takes longer is slow; zero: none is
   * @param slowPercent with more slow calls than that share it opens
   */
  public record Breaker(
      Duration window,
      int minCalls,
      int minCallers,
      Duration open,
      int probes,
      Duration slowCall,
      int slowPercent) {}

  /**
   * How many of a service's calls, or of its streams, one caller may have in flight.
   *
   * @param percent of the most that the service gets
   * @param atLeast the share even where the percentage is less
   */
  public record FairShare(int percent, int atLeast) {
    public int of(int total) {
      return Math.max(atLeast, (int) (total * (long) percent / 100));
    }
  }

  /** A part of the file that a door reads, with the lines of its values. */
  public record Section(Located document, String name) {
    /** Missing where the file does not have it. */
    public Json value() {
      return document.root().at(name);
    }

    /** {@code file:line} of a pointer into it. */
    public String where(String pointer) {
      return document.where("/" + name + pointer);
    }
  }

  /** The names of all versions that a service has beside the stable one. */
  public Set<UpstreamVersion> versions() {
    return upstreams.values().stream()
        .flatMap(service -> service.versions.keySet().stream())
        .collect(Collectors.toUnmodifiableSet());
  }

  /** The name of a service, with its versions where it has several. */
  public String described(Upstream upstream) {
    Set<UpstreamVersion> versions = service(upstream).versions.keySet();
    return upstream.label()
        + (versions.isEmpty() ? "" : " (stable, or by its share " + versions + ")");
  }

  public Service service(Upstream upstream) {
    return Objects.requireNonNull(
        upstreams.get(upstream), () -> "no settings for " + upstream.label());
  }

  /**
   * Roles to scopes, as {@code config/gateway.yaml} lists them. An unknown role gives nothing, and
   * {@code admin} gives {@code every} scope.
   */
  public record Roles(Map<String, Set<Scope>> scopesByRole, Set<Scope> every) {
    public Roles {
      scopesByRole = Map.copyOf(scopesByRole);
      every = Set.copyOf(every);
    }

    public Set<Scope> expand(Set<Scope> scopes, Set<String> roles) {
      Set<Scope> all = new HashSet<>(scopes);
      for (String role : roles) {
        all.addAll(role.equals(ADMIN) ? every : scopesByRole.getOrDefault(role, Set.of()));
      }
      return Set.copyOf(all);
    }

    public boolean isKnown(String role) {
      return role.equals(ADMIN) || scopesByRole.containsKey(role);
    }
  }
}
