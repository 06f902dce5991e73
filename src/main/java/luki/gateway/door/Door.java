package luki.gateway.door;

import java.io.IOException;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.Problems;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.Settings;
import luki.gateway.consent.AccessWatch;
import luki.gateway.http.Dispatcher;
import luki.gateway.http.Handler;
import luki.gateway.http.Route;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;
import luki.gateway.observe.Lifecycle;
import luki.gateway.observe.Metrics;
import luki.gateway.observe.Tracing;
import luki.gateway.tokens.ServiceTokens;
import luki.http1.ByteBudget;

/**
 * Another entrance than HTTP with JSON, such as gRPC. It decides nothing about access: each call
 * that it serves is a request that passes all filters, by a {@link Dispatcher} or as an operation
 * of the contract.
 */
public interface Door extends AutoCloseable {
  /** What {@link java.util.ServiceLoader} finds in its jar. */
  @FunctionalInterface
  interface Provider {
    /** Makes the door, once for a process; it must not bind or call anything yet. */
    Door open(Host host);
  }

  /** What a door gets of the gateway and what stays the same through reloads. */
  record Host(
      Settings settings,
      Clock clock,
      ByteBudget memory,
      Lifecycle lifecycle,
      AccessWatch access,
      ServiceTokens tokens,
      Metrics metrics,
      Tracing tracing) {}

  /** What the door makes of one configuration, which may turn out to be unusable. */
  interface Entrance {
    /**
     * Handlers of operations in the contract, by the names in {@code x-gateway.handler}; with the
     * door switched off these operations are neither served nor published.
     */
    Map<String, Handler> handlers();

    /**
     * Called once, after {@link #handlers}, with every route of the contract as it is enforced.
     *
     * @return routes of the door's own, whose handlers are {@link Handler.Unrouted}
     */
    List<Route.Served> routes(List<Route.Served> contract, Problems problems);
  }

  /** The entrance for a contract, as it is published, and a gateway.yaml. */
  Entrance entrance(Json contract, GatewayFile file, Problems problems);

  /** These routes, its own included, are in force now: at the start and after each reload. */
  default void use(List<Route.Served> routes) {}

  /**
   * Accepts calls; the HTTP listener is bound, and {@link #use} was called.
   *
   * @throws BadConfiguration its address cannot be bound
   */
  default void start(Dispatcher gateway) throws BadConfiguration, IOException {}

  /** Whether a circuit breaker of its own calls to a service is open or half-open. */
  default boolean isTripped(Upstream who) {
    return false;
  }

  /** Accepts no new connections; must not block. The filters refuse new calls from now on. */
  default void drain() {}

  /** Called when no call is in flight, or the time for them is over. */
  @Override
  void close() throws IOException;
}
