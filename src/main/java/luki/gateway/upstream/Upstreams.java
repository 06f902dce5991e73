package luki.gateway.upstream;

import java.net.http.HttpClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.Settings;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Body;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Outcome;
import luki.gateway.http.Upstream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.observe.Label;
import luki.gateway.observe.Metrics;
import luki.gateway.observe.Periodic;
import luki.gateway.observe.Tracing;
import luki.gateway.rollout.Rollout;
import luki.gateway.rollout.Rollouts;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/** The configured services, each with its client. */
public final class Upstreams implements AutoCloseable {
  private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(2);

  private final Map<Upstream, ServiceVersions> services = new EnumMap<>(Upstream.class);
  private final List<Periodic> watchers = new ArrayList<>();
  private final Settings settings;
  private final GatewayFile.Streams streamLimits;
  private final Shared shared;

  /** What the clients of all services share. */
  public record Shared(
      int maxReplyBytes,
      Credentials credentials,
      HttpClients clients,
      Metrics metrics,
      Tracing tracing,
      Rollouts rollouts) {}

  /** Makes the token with which the gateway authenticates to a service, and for which user. */
  @FunctionalInterface
  public interface Credentials {
    /** The field with the token, made once for as long as the token is used. */
    Fields authorizationFor(Upstream audience, Exchange exchange);
  }

  /** What is known of a service from calls and health checks. */
  public enum ServiceState implements Label {
    UP,
    DOWN,
    /** It answers, but refuses the gateway's credential. */
    REFUSED,
    UNKNOWN,
    NOT_CONFIGURED
  }

  /**
   * Makes the clients.
   *
   * @param before of an older configuration: their breakers, bulkheads and health are used
   */
  public Upstreams(Settings settings, GatewayFile file, Shared shared, @Nullable Upstreams before) {
    this.settings = settings;
    this.streamLimits = file.streams();
    this.shared = shared;
    settings
        .urls()
        .forEach(
            (who, url) -> {
              Settings.Secret secret = who == Upstream.AGENT ? settings.agentSecret() : null;
              ServiceVersions older = before == null ? null : before.services.get(who);
              services.put(who, new ServiceVersions(who, url, secret, file, shared, older));
            });
  }

  /** The services that have several versions. */
  public Rollouts rollouts() {
    return shared.rollouts;
  }

  /** What is known of a service: of the version that most callers have. */
  public ServiceState state(Upstream who) {
    ServiceVersions service = services.get(who);
    return service == null ? ServiceState.NOT_CONFIGURED : service.main().state();
  }

  /**
   * Checks the health of each service again and again until the upstreams are closed.
   *
   * @param current those that are in use: a reload may have added versions
   */
  public void watchHealth(Duration interval, Supplier<Upstreams> current) {
    for (Upstream who : services.keySet()) {
      watchers.add(
          new Periodic(
              "health-" + who.label(),
              () -> {
                ServiceVersions service = current.get().services.get(who);
                if (service != null) {
                  service.probe(PROBE_TIMEOUT);
                }
                return interval;
              }));
    }
  }

  /** The clients for another file. */
  public Upstreams with(GatewayFile file) {
    return new Upstreams(settings, file, shared, this);
  }

  /** Whether a breaker of the service or of one of its operations is open. */
  public boolean isTripped(Upstream who) {
    ServiceVersions service = services.get(who);
    return service != null && service.isTripped();
  }

  public boolean isConfigured(Upstream who) {
    return services.containsKey(who);
  }

  /** A unary call; a service that is not configured is an error like any other. */
  public Reply call(Upstream who, Call call, Exchange exchange) throws InterruptedException {
    ServiceVersions service = services.get(who);
    return service == null
        ? new Reply.Failed(notConfigured(who), 0)
        : service.call(service.of(exchange), call, exchange);
  }

  /** A 2xx reply's JSON and what it cost. */
  public record Success(Json json, Outcome outcome) {
    /**
     * Checks what else it must be.
     *
     * @throws ApiException it breaks the service's contract
     */
    public void require(boolean valid, Upstream who) {
      if (!valid) {
        throw new ApiException(nonsense(who), outcome);
      }
    }
  }

  /**
   * A call that must succeed with JSON.
   *
   * @throws ApiException anything else
   */
  public Success json(Upstream who, Call call, Exchange exchange) throws InterruptedException {
    Answer answer = success(who, call, exchange);
    try {
      return new Success(Json.parseReply(Body.bytesOf(answer.got.body())), answer.outcome);
    } catch (InvalidJson nonsense) {
      throw answer.isNonsense(who, call, exchange);
    }
  }

  /**
   * The same with JSON that is checked and passed on as it is, or with 204 and nothing.
   *
   * @throws ApiException anything else
   */
  public Response passOn(Upstream who, Call call, Exchange exchange) throws InterruptedException {
    Answer answer = success(who, call, exchange);
    Reply.Got got = answer.got;
    if (got.status() == 204) {
      return Response.empty(204).from(answer.outcome);
    }
    if (!Json.isReply(Body.bytesOf(got.body()))) {
      throw answer.isNonsense(who, call, exchange);
    }
    // Nothing more is made of it.
    exchange.memory().give(Reply.memoryToUse(Body.bytesOf(got.body())));
    return Response.json(got.status(), got.body()).from(answer.outcome);
  }

  /** A success, and which version gave it. */
  private record Answer(Rollout.Member by, Reply.Got got, Outcome outcome) {
    ApiException isNonsense(Upstream who, Call call, Exchange exchange) {
      by.failed(call.method(), exchange);
      return new ApiException(nonsense(who), outcome);
    }
  }

  private Answer success(Upstream who, Call call, Exchange exchange) throws InterruptedException {
    ServiceVersions service = configured(who);
    UpstreamClient client = service.of(exchange);
    Reply reply = service.call(client, call, exchange);
    Outcome outcome = Outcome.upstream(who, client.member.version(), reply.nanos());
    return switch (reply) {
      case Reply.Failed failed -> throw new ApiException(failed.error(), outcome);
      case Reply.Got got when !Failures.isSuccess(got.status()) ->
          throw new ApiException(
              Failures.ofStatus(who, got.status(), got.retryAfter(), call.namesResource()),
              outcome);
      case Reply.Got got -> new Answer(client.member, got, outcome);
    };
  }

  private ServiceVersions configured(Upstream who) {
    ServiceVersions service = services.get(who);
    if (service == null) {
      throw new ApiException(notConfigured(who), Outcome.upstream(who, null, 0));
    }
    return service;
  }

  /** The error for a reply that breaks the service's contract. */
  public static ApiError nonsense(Upstream who) {
    return new ApiError.FromUpstream(who, ErrorCode.DOWNSTREAM_ERROR);
  }

  private static ApiError notConfigured(Upstream who) {
    return new ApiError.FromUpstream(who, ErrorCode.DOWNSTREAM_NOT_CONFIGURED);
  }

  /**
   * Starts a call for an event stream.
   *
   * @throws ApiException the service is not configured
   */
  public EventFeed stream(Upstream who, Call call, Exchange exchange) {
    return new EventFeed(configured(who).of(exchange), call, exchange, streamLimits);
  }

  @Override
  public void close() {
    watchers.forEach(Periodic::close);
  }

  /** Where HTTP clients come from. */
  @FunctionalInterface
  public interface HttpClients {
    /**
     * A client that is shared, so that its users do not close it.
     *
     * @param connect connect timeout
     * @param silence that its users permit within the body of a reply
     */
    HttpClient client(Duration connect, Duration silence);
  }
}
