package luki.gateway.app;

import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Predicate;
import luki.gateway.config.Problems;
import luki.gateway.consent.Consent;
import luki.gateway.contract.ContractCompiler;
import luki.gateway.handler.ChatHandlers;
import luki.gateway.handler.DocsHandlers;
import luki.gateway.handler.ElrHandlers;
import luki.gateway.handler.GatewayHandlers;
import luki.gateway.handler.ModuleHandlers;
import luki.gateway.handler.OverviewHandler;
import luki.gateway.handler.UsageHandler;
import luki.gateway.http.Handler;
import luki.gateway.http.Policy;
import luki.gateway.http.Principal;
import luki.gateway.http.Route;
import luki.gateway.observe.Metrics;
import luki.gateway.upstream.Upstreams;

/**
 * The contract's operations with their handlers.
 *
 * @param stillGood whether a principal's credential holds while a stream goes on
 */
record RouteTable(
    Configuration configuration,
    Upstreams upstreams,
    Consent consent,
    GatewayHandlers.State state,
    UsageHandler usage,
    Predicate<Principal> stillGood,
    Metrics metrics,
    Clock clock) {

  /** The routes as they are enforced; an operation that cannot be served is a problem. */
  List<Route.Served> compile(byte[] publishedKeys, Build build, Problems problems) {
    Map<String, Handler> handlers = handlers(publishedKeys, build);
    List<Route.Served> routes =
        ContractCompiler.compile(
            configuration.document(), handlers, configuration.file().defaultDeadline(), problems);
    Handler metricsHandler = handlers.get(GatewayHandlers.METRICS);
    boolean openMetrics = configuration.settings().metricsOpen();
    return routes.stream()
        .map(
            route ->
                openMetrics && route.handler().equals(metricsHandler)
                    ? route.with(Policy.open(false))
                    : route)
        .toList();
  }

  private Map<String, Handler> handlers(byte[] publishedKeys, Build build) {
    Map<String, Handler> handlers = new HashMap<>();
    handlers.putAll(new GatewayHandlers(build.version(), state, metrics, publishedKeys).byName());
    handlers.putAll(
        new DocsHandlers(
                configuration.document().published(),
                configuration.document().title(),
                build.redoc())
            .byName());
    handlers.putAll(
        new ChatHandlers(
                upstreams,
                consent,
                configuration.file(),
                state.lifecycle(),
                stillGood,
                metrics,
                () -> UUID.randomUUID().toString())
            .byName());
    handlers.putAll(new ElrHandlers(upstreams, clock).byName());
    handlers.putAll(new ModuleHandlers(upstreams).byName());
    handlers.put("usage", usage);
    handlers.put("overview", new OverviewHandler(upstreams, consent));
    return handlers;
  }
}
