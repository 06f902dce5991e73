package luki.gateway.handler;

import java.util.Map;
import java.util.function.BooleanSupplier;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;
import luki.gateway.limit.Limiters;
import luki.gateway.observe.Lifecycle;
import luki.gateway.observe.Metrics;
import luki.gateway.upstream.Upstreams;
import luki.gateway.upstream.Upstreams.ServiceState;
import luki.http1.Fields;

/**
 * What the gateway answers by itself: its name, its health, its metrics, its keys.
 *
 * @param identityReady whether tokens can be verified
 * @param jwks the public keys of the gateway's own tokens
 */
public record GatewayHandlers(
    String version,
    Lifecycle lifecycle,
    BooleanSupplier identityReady,
    Upstreams upstreams,
    Limiters limiters,
    Metrics metrics,
    Body jwks) {
  /** The handler's name in the contract. METRICS_ACCESS decides who may call it. */
  public static final String METRICS = "metrics";

  private static final String SERVICE = "luki-api-gateway";

  /** By the names that the contract uses. */
  public Map<String, Handler> byName() {
    return Map.of(
        "about",
        this::about,
        "healthz",
        _ -> Response.json(200, status("ok")),
        "readyz",
        this::readiness,
        "health",
        this::health,
        METRICS,
        exchange -> metrics.expose(exchange.request().headers().only("Accept")),
        "jwks",
        _ -> new Response(200, Fields.of("Content-Type", "application/jwk-set+json"), jwks));
  }

  private Response about(Exchange exchange) {
    Json.Builder links =
        Json.object()
            .put("docs", "/docs")
            .put("openapi", "/openapi.json")
            .put("health", "/health")
            .put("jwks", "/.well-known/jwks.json");
    return Response.json(
        200, Json.object().put("name", SERVICE).put("version", version).put("links", links));
  }

  private Response readiness(Exchange exchange) {
    boolean limited = limiters.isReady();
    if (lifecycle.isReady() && identityReady.getAsBoolean() && limited) {
      return Response.json(200, status("ready"));
    }
    ErrorCode code;
    if (lifecycle.isEnding()) {
      code = ErrorCode.DRAINING;
    } else if (!limited) {
      code = ErrorCode.LIMITER_UNAVAILABLE;
    } else {
      // While it starts it takes no requests yet.
      code = lifecycle.isReady() ? ErrorCode.IDENTITY_UNAVAILABLE : ErrorCode.OVERLOADED;
    }
    return Response.refused(ApiError.retrySoon(code));
  }

  private Response health(Exchange exchange) {
    Json.Builder checks = Json.object();
    boolean degraded = false;
    for (Upstream upstream : Upstream.values()) {
      ServiceState state = upstreams.state(upstream);
      degraded |= state == ServiceState.DOWN || state == ServiceState.REFUSED;
      checks.put(upstream.label(), status(state.label()));
    }
    ServiceState redis = limiters.redisState();
    degraded |= redis == ServiceState.DOWN;
    checks.put("redis", status(redis.label()));
    boolean useless =
        upstreams.state(Upstream.AGENT) == ServiceState.DOWN
            && upstreams.state(Upstream.MEMORY) == ServiceState.DOWN;
    Json.Builder json =
        Json.object()
            .put("status", useless ? "unhealthy" : degraded ? "degraded" : "healthy")
            .put("service", SERVICE)
            .put("version", version)
            .put("checks", checks);
    return Response.json(useless ? 503 : 200, json);
  }

  private static Json.Builder status(String status) {
    return Json.object().put("status", status);
  }
}
