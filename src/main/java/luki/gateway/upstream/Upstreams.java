package luki.gateway.upstream;

import java.security.Security;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.Settings;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Body;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Response.Outcome;
import luki.gateway.http.Upstream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;

/** The services that are configured, each with its client. */
public final class Upstreams implements AutoCloseable {
  private static final Duration PROBE_LIMIT = Duration.ofSeconds(2);

  private final Map<Upstream, UpstreamClient> clients = new EnumMap<>(Upstream.class);
  private final List<Thread> watchers = new ArrayList<>();
  private final GatewayFile.Streams streamLimits;

  public Upstreams(Settings settings, UpstreamClient.Shared shared) {
    this.streamLimits = shared.file().streams();
    settings
        .urls()
        .forEach(
            (who, url) -> {
              Settings.Secret secret = who == Upstream.AGENT ? settings.agentSecret() : null;
              clients.put(who, new UpstreamClient(who, url, secret, shared));
            });
  }

  /**
   * What holds for every client of this process. To be called before the first is made: pooled
   * connections are left before a service would close them, and nothing is repeated unasked.
   */
  public static void configureProcess() {
    // Our own client looks names up every 10 s: together the two stay below half a minute.
    Security.setProperty("networkaddress.cache.ttl", "10");
    System.setProperty("jdk.httpclient.keepalive.timeout", "4");
    System.setProperty("jdk.httpclient.disableRetryConnect", "true");
    System.setProperty("jdk.httpclient.redirects.retrylimit", "1");
  }

  /** What is known of a service. */
  public ServiceState state(Upstream who) {
    UpstreamClient client = clients.get(who);
    return client == null ? ServiceState.NOT_CONFIGURED : client.state();
  }

  /** Asks each service every so often whether it is there, until the upstreams are closed. */
  public void watchHealth(Duration every) {
    clients.forEach(
        (who, client) ->
            watchers.add(
                Thread.ofVirtual()
                    .name("health-" + who.label())
                    .start(
                        () -> {
                          try {
                            while (true) {
                              client.probe(PROBE_LIMIT);
                              Thread.sleep(every);
                            }
                          } catch (InterruptedException closed) {
                            // close() was called.
                          }
                        })));
  }

  public boolean isConfigured(Upstream who) {
    return clients.containsKey(who);
  }

  /** A unary call; a service without an address is an error like any other. */
  public Reply call(Upstream who, Call call, Exchange exchange) throws InterruptedException {
    UpstreamClient client = clients.get(who);
    return client == null ? new Reply.Failed(notConfigured(who), 0) : client.call(call, exchange);
  }

  /** A 2xx reply's JSON and what it cost. */
  public record Success(int status, Body body, Json json, Outcome outcome) {}

  /**
   * A call that must succeed with JSON.
   *
   * @throws ApiException anything else
   */
  public Success json(Upstream who, Call call, Exchange exchange) throws InterruptedException {
    return switch (call(who, call, exchange)) {
      case Reply.Failed failed ->
          throw new ApiException(failed.error(), Outcome.upstream(who, failed.nanos()));
      case Reply.Got got -> success(who, call, got);
    };
  }

  private static Success success(Upstream who, Call call, Reply.Got got) {
    Outcome outcome = Outcome.upstream(who, got.nanos());
    if (got.status() < 200 || got.status() > 299) {
      throw new ApiException(
          Failures.ofStatus(who, got.status(), got.retryAfter(), call.namesResource()), outcome);
    }
    if (got.status() == 204) {
      return new Success(204, Body.EMPTY, Json.MISSING, outcome);
    }
    try {
      return new Success(
          got.status(), got.body(), Json.parseReply(Body.bytesOf(got.body())), outcome);
    } catch (InvalidJson nonsense) {
      throw new ApiException(nonsense(who), outcome);
    }
  }

  /** The error for a reply that is not what the service promised. */
  public static ApiError nonsense(Upstream who) {
    return new ApiError.FromUpstream(who, ErrorCode.DOWNSTREAM_ERROR);
  }

  private static ApiError notConfigured(Upstream who) {
    return new ApiError.FromUpstream(who, ErrorCode.DOWNSTREAM_NOT_CONFIGURED);
  }

  /** Starts a call for the agent's event stream; its pieces come through the feed. */
  public EventFeed stream(Upstream who, Call call, Exchange exchange) {
    UpstreamClient client = clients.get(who);
    return client == null
        ? EventFeed.failed(notConfigured(who))
        : EventFeed.start(client, who, call, exchange, streamLimits);
  }

  @Override
  public void close() {
    watchers.forEach(Thread::interrupt);
    clients.values().forEach(UpstreamClient::close);
  }
}
