package luki.gateway.app;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import luki.gateway.config.Problems;
import luki.gateway.config.Settings;
import luki.gateway.contract.ContractCompiler;
import luki.gateway.contract.ContractDocument;
import luki.gateway.door.Door;
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
import luki.gateway.upstream.Upstreams;
import luki.gateway.webhook.Webhooks;
import luki.gateway.websocket.ChatSockets;

/** The contract's operations with their handlers. */
record RouteTable(Parts parts, Configuration.Build build) {
  private static final String CALLBACK = "webhook-callback";

  /** The routes as they are enforced; an operation that cannot be served is a problem. */
  List<Route.Served> compile(Problems problems) {
    Configuration configuration = parts.configuration();
    ContractDocument served = configuration.document().without(this::isOff);
    Json published = served.published();
    // A reply of a door has one type, so no request there can ask for a job.
    Json ofDoors =
        configuration.document().without(each -> isOff(each) || each.equals(CALLBACK)).published();
    List<Door.Entrance> entrances =
        parts.doors().all().stream()
            .map(door -> door.entrance(ofDoors, configuration.file(), problems))
            .toList();
    Map<String, Handler> handlers = handlers(published);
    entrances.forEach(entrance -> handlers.putAll(entrance.handlers()));
    Handler metrics = handlers.get(GatewayHandlers.METRICS);
    boolean open = configuration.settings().metricsOpen();
    List<Route.Served> contract =
        ContractCompiler.compile(served, handlers, configuration.file().defaultDeadline(), problems)
            .stream()
            .map(
                route ->
                    open && route.handler().equals(metrics)
                        ? route.with(Policy.open(false))
                        : route)
            .toList();
    List<Route.Served> routes = new ArrayList<>(contract);
    entrances.forEach(entrance -> routes.addAll(entrance.routes(contract, problems)));
    return List.copyOf(routes);
  }

  /** Whether the operations of a handler are switched off: neither served nor published. */
  private boolean isOff(String handler) {
    Settings settings = parts.configuration().settings();
    return (handler.startsWith("console") && !settings.console())
        || (handler.startsWith("graphql") && !parts.doors().isOpen("graphql"))
        || (handler.startsWith("graphql-page") && !settings.dev())
        || (handler.startsWith("webhook") && parts.webhooks() == null)
        || (handler.equals("chat-socket") && !settings.webSocket());
  }

  private Map<String, Handler> handlers(Json published) {
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
    String title = published.at("info").at("title").string("");
    handlers.putAll(PageHandlers.byName(published, title, build.redoc()));
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
        new ChatSockets.Opening(parts.sockets(), parts.configuration().settings().corsOrigins()));
    handlers.put("stream-ticket", parts.tickets());
    handlers.put("usage", new UsageHandler(parts.limiters(), parts.plans(), parts::limitedAs));
    handlers.put("overview", new OverviewHandler(upstreams, parts.consent()));
    Webhooks webhooks = parts.webhooks();
    if (webhooks != null) {
      handlers.putAll(webhooks.byName());
      handlers.computeIfPresent("chat", (_, chat) -> webhooks.withJobs(chat));
      handlers.computeIfPresent("report", (_, report) -> webhooks.withJobs(report));
    }
    return handlers;
  }
}
