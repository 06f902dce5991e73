package luki.gateway.app;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import luki.gateway.config.Problems;
import luki.gateway.contract.ContractCompiler;
import luki.gateway.handler.ChatHandlers;
import luki.gateway.handler.ConsentHandlers;
import luki.gateway.handler.ElrHandlers;
import luki.gateway.handler.GatewayHandlers;
import luki.gateway.handler.ModuleHandlers;
import luki.gateway.handler.OverviewHandler;
import luki.gateway.handler.PageHandlers;
import luki.gateway.handler.UsageHandler;
import luki.gateway.http.Handler;
import luki.gateway.http.Policy;
import luki.gateway.http.Route;
import luki.gateway.json.Json;
import luki.gateway.ticket.TicketHandler;
import luki.gateway.upstream.Upstreams;
import luki.gateway.websocket.ChatSocketHandler;

/** The contract's operations with their handlers. */
record RouteTable(Parts parts, Configuration.Build build) {

  /** The routes as they are enforced; an operation that cannot be served is a problem. */
  List<Route.Served> compile(Problems problems) {
    Configuration configuration = parts.configuration();
    Map<String, Handler> handlers = handlers();
    List<Route.Served> routes =
        ContractCompiler.compile(
            configuration.document(), handlers, configuration.file().defaultDeadline(), problems);
    Handler metrics = handlers.get(GatewayHandlers.METRICS);
    boolean open = configuration.settings().metricsOpen();
    boolean console = configuration.settings().console();
    boolean webSocket = configuration.settings().webSocket();
    return routes.stream()
        .filter(route -> console || !isConsole(route.handler(), handlers))
        .filter(route -> webSocket || !(route.handler() instanceof ChatSocketHandler))
        .map(
            route ->
                open && route.handler().equals(metrics) ? route.with(Policy.open(false)) : route)
        .toList();
  }

  /** The document for clients: without the WebSocket where it is switched off. */
  private Json published() {
    Json all = parts.configuration().document().published();
    if (parts.configuration().settings().webSocket()) {
      return all;
    }
    Json.Builder paths = Json.object();
    all.at("paths")
        .members()
        .forEach(
            (path, item) -> {
              if (item.pointer("/get/responses/101").isMissing()) {
                paths.put(path, item);
              }
            });
    return all.toBuilder().put("paths", paths.build()).build();
  }

  private static boolean isConsole(Handler handler, Map<String, Handler> handlers) {
    return PageHandlers.CONSOLE.stream().map(handlers::get).anyMatch(handler::equals);
  }

  private Map<String, Handler> handlers() {
    Upstreams upstreams = parts.upstreams();
    Map<String, Handler> handlers = new HashMap<>();
    handlers.putAll(
        new GatewayHandlers(
                build.version(),
                parts.lifecycle(),
                parts.identity()::isReady,
                upstreams,
                parts.limiters(),
                parts.metrics(),
                parts.tokens().published())
            .byName());
    handlers.putAll(
        new PageHandlers(published(), parts.configuration().document().title(), build.redoc())
            .byName());
    handlers.putAll(
        new ChatHandlers(
                upstreams,
                parts.consent(),
                parts.configuration().file(),
                parts.lifecycle(),
                parts.access(),
                parts.metrics(),
                () -> UUID.randomUUID().toString())
            .byName());
    handlers.putAll(new ElrHandlers(upstreams, parts.clock()).byName());
    handlers.putAll(new ModuleHandlers(upstreams).byName());
    handlers.putAll(new ConsentHandlers(upstreams, parts.consent()).byName());
    handlers.put(
        "chat-socket",
        new ChatSocketHandler(parts.sockets(), parts.configuration().settings().corsOrigins()));
    handlers.put("stream-ticket", new TicketHandler(parts.tickets()));
    handlers.put("usage", new UsageHandler(parts.limiters(), parts.plans(), parts::limitedAs));
    handlers.put("overview", new OverviewHandler(upstreams, parts.consent()));
    return handlers;
  }
}
