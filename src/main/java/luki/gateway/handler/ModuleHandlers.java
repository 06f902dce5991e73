package luki.gateway.handler;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.IdempotencyKey;
import luki.gateway.http.Method;
import luki.gateway.http.PathPattern.Segment;
import luki.gateway.http.Response;
import luki.gateway.http.Sha256;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;
import luki.gateway.upstream.Call;
import luki.gateway.upstream.Call.ServicePath;
import luki.gateway.upstream.Upstreams;

/** Activities, reports, and the routes that pass on to a module as they are. */
public record ModuleHandlers(Upstreams upstreams) {
  private static final ServicePath RECOMMENDATIONS = new ServicePath("/recommendations");
  private static final int DEFAULT_ACTIVITIES = 5;
  private static final int DEFAULT_WINDOW = 7;
  private static final int PREFIX_SEGMENTS = 2; // v1 and the module's name

  /** By the names that the contract uses. */
  public Map<String, Handler> byName() {
    return Map.of(
        "recommend", (Handler.Posts) this::recommend,
        "report", this::report,
        "module", (Handler.PassesOn) this::module);
  }

  private Response recommend(Exchange exchange) throws InterruptedException {
    int k = exchange.queryInt("k", DEFAULT_ACTIVITIES);
    String user = exchange.user().value();
    Json wanted = Json.object().put("user_id", user).put("max_recommendations", k).build();
    Call call = Call.post(RECOMMENDATIONS, wanted);
    Upstreams.Success reply = upstreams.json(Upstream.COGNITIVE, call, exchange);
    Json recommendations = reply.json().at("recommendations");
    reply.require(recommendations.isArray(), Upstream.COGNITIVE);
    List<Json> first = recommendations.items().stream().limit(k).toList();
    Json.Builder json =
        Json.object().put("user_id", user).put("recommendations", Json.array(first));
    return Response.json(200, json).from(reply.outcome());
  }

  private Response report(Exchange exchange) throws InterruptedException {
    long days = exchange.json().at("window_days").integer().orElse(DEFAULT_WINDOW);
    String user = exchange.user().value();
    ServicePath path =
        new ServicePath("/reports")
            .segment(user)
            .then("/wellbeing")
            .query("days", Long.toString(days));
    Call call = Call.bare(Method.POST, path, false);
    Upstreams.Success reply = upstreams.json(Upstream.REPORTING, call, exchange);
    Json.Builder json =
        Json.object().put("user_id", user).put("window_days", days).put("report", reply.json());
    return Response.json(200, json).from(reply.outcome());
  }

  /**
   * The path without its first two segments, the same query and body; the reply is the module's.
   */
  private Response module(Exchange exchange) throws InterruptedException {
    // The contract names one, or the gateway does not start.
    Upstream upstream = Objects.requireNonNull(exchange.operation().upstream());
    return upstreams.passOn(upstream, callOf(exchange), exchange);
  }

  private static Call callOf(Exchange exchange) {
    Method method =
        exchange.request().method() == Method.HEAD ? Method.GET : exchange.request().method();
    ServicePath path = pathOf(exchange);
    Exchange.Payload payload = exchange.payload();
    Call call =
        payload == null
            ? Call.bare(method, path, method.isSafe())
            : Call.bytes(method, path, payload.raw().bytes());
    String key = IdempotencyKey.of(exchange);
    Call named = call.ofNamedResource();
    if (key == null || exchange.operation().upstream() != Upstream.TOKENS) {
      return named;
    }
    // Two callers may choose the same key. A key has no line feed.
    return named.with(
        IdempotencyKey.FIELD, Sha256.of(exchange.principal().limitedAs() + "\n" + key));
  }

  private static ServicePath pathOf(Exchange exchange) {
    ServicePath path = new ServicePath("");
    List<Segment> segments = exchange.operation().path().segments();
    for (Segment segment : segments.subList(PREFIX_SEGMENTS, segments.size())) {
      path =
          switch (segment) {
            case Segment.Literal(String text) -> path.then("/" + text);
            case Segment.Parameter(String name) -> path.segment(exchange.pathParameter(name));
          };
    }
    for (String name : exchange.request().query().names()) {
      String value = exchange.request().query().only(name);
      path = value == null ? path : path.query(name, value);
    }
    return path;
  }
}
