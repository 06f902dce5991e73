package luki.graphql;

import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.Problems;
import luki.gateway.door.Door;
import luki.gateway.http.Dispatcher;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.http.Route;
import luki.gateway.json.Json;
import org.jspecify.annotations.Nullable;

/** GraphQL for the gateway: operations below {@code /graphql}, served by the HTTP listener. */
public final class GraphQlDoor implements Door {
  private static final int MAX_PERSISTED_BYTES = 4 * 1024 * 1024;

  private final Host host;
  private final PersistedQueries persisted = new PersistedQueries(MAX_PERSISTED_BYTES);
  private volatile @Nullable Dispatcher gateway;

  private GraphQlDoor(Host host) {
    this.host = host;
  }

  /** Found by the gateway. */
  public static final class Provider implements Door.Provider {
    @Override
    public Door open(Host host) {
      return new GraphQlDoor(host);
    }
  }

  @Override
  public Door.Entrance entrance(Json contract, GatewayFile file, Problems problems) {
    return new Entrance(contract);
  }

  @Override
  public void start(Dispatcher dispatcher) {
    gateway = dispatcher;
  }

  @Override
  public void close() {}

  private Dispatcher gateway() {
    Dispatcher started = gateway;
    if (started == null) {
      throw new IllegalStateException("not started");
    }
    return started;
  }

  /** The handlers for one contract. */
  private final class Entrance implements Door.Entrance {
    private final Json contract;
    private final AtomicReference<Engine> engine = new AtomicReference<>();

    private Entrance(Json contract) {
      this.contract = contract;
    }

    private Engine engine() {
      Engine made = engine.get();
      if (made == null) {
        throw new IllegalStateException("the routes are not known yet");
      }
      return made;
    }

    @Override
    public Map<String, Handler> handlers() {
      return Map.of(
          "graphql",
          new QueryHandler(this::engine, exchange -> new Calls(gateway(), exchange, host.memory())),
          "graphql-stream",
          new StreamHandler(this::engine, GraphQlDoor.this::gateway, host.memory()),
          "graphql-schema",
          this::schema,
          "graphql-page",
          Pages::page,
          "graphql-page-asset",
          Pages::asset);
    }

    private Response schema(Exchange exchange) {
      return Response.text(200, "text/plain; charset=utf-8", engine().schema());
    }

    @Override
    public List<Route.Served> routes(List<Route.Served> routes, Problems problems) {
      if (routes.isEmpty()) {
        // The contract has problems, which are listed.
        return List.of();
      }
      engine.set(new Engine(contract, routes, persisted));
      return List.of();
    }
  }
}
