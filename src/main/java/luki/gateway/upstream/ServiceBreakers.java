package luki.gateway.upstream;

import java.time.Duration;
import java.util.EnumSet;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import luki.gateway.config.GatewayFile;
import luki.gateway.http.Exchange;
import luki.gateway.http.Method;
import luki.gateway.http.Principal;
import luki.gateway.upstream.CircuitBreaker.CallResult;
import org.jspecify.annotations.Nullable;

/**
 * The circuit breakers of one service: one for the service, which opens when it cannot be reached,
 * and one for each operation, which opens on that operation's own failures too. So an operation
 * that always fails is cut off without the others.
 */
final class ServiceBreakers {
  private final GatewayFile.Breaker settings;
  private final LongSupplier nanoTime;
  private final CircuitBreaker service;
  private final Map<Operation, CircuitBreaker> operations = new ConcurrentHashMap<>();

  ServiceBreakers(GatewayFile.Breaker settings, LongSupplier nanoTime) {
    this.settings = settings;
    this.nanoTime = nanoTime;
    this.service =
        new CircuitBreaker(
            settings, EnumSet.of(CallResult.UNREACHABLE, CallResult.NO_CONNECTION), nanoTime);
  }

  /** These where the settings are the same, else new ones, which are closed. */
  ServiceBreakers with(GatewayFile.Breaker other) {
    return other.equals(settings) ? this : new ServiceBreakers(other, nanoTime);
  }

  /** The method of a call and the template of its route: closed sets, so the map is bounded. */
  private record Operation(Method method, String template) {}

  /** Permission for one call of an operation; ended exactly once. */
  record Permit(Principal caller, CircuitBreaker.Permit service, CircuitBreaker.Permit operation) {
    void end(CallResult result) {
      service.end(caller, result);
      operation.end(caller, result);
    }
  }

  /** Permission to call, or null while one of the two breakers is open. */
  @Nullable Permit tryAcquire(Method method, Exchange exchange) {
    Principal caller = exchange.principal();
    CircuitBreaker.Permit ofService = service.tryAcquire(caller);
    if (ofService == null) {
      return null;
    }
    CircuitBreaker.Permit ofOperation =
        operations
            .computeIfAbsent(new Operation(method, exchange.route().template()), _ -> ofOperation())
            .tryAcquire(caller);
    if (ofOperation == null) {
      ofService.end(caller, CallResult.IGNORED);
      return null;
    }
    return new Permit(caller, ofService, ofOperation);
  }

  private CircuitBreaker ofOperation() {
    return new CircuitBreaker(
        settings,
        EnumSet.complementOf(EnumSet.of(CallResult.SUCCESS, CallResult.IGNORED)),
        nanoTime);
  }

  Duration retryAfter() {
    return service.retryAfter();
  }

  /** Whether any of them is open or half-open. */
  boolean isAnyTripped() {
    return service.isTripped() || operations.values().stream().anyMatch(CircuitBreaker::isTripped);
  }

  /** Whether the service's own breaker is open, with no probe due yet. */
  boolean isOpen() {
    return service.isOpen();
  }

  /**
   * Bounds repeats to a share of the calls, so that a failing service does not get twice the load:
   * five at once, and one more for every twenty calls. Any hundred calls cause at most ten.
   */
  static final class RetryBudget {
    private static final int REPEAT = 20;
    private static final int MAX = 5 * REPEAT;

    private final AtomicInteger credit = new AtomicInteger(MAX);

    void called() {
      credit.updateAndGet(have -> Math.min(MAX, have + 1));
    }

    boolean tryRepeat() {
      int before = credit.getAndUpdate(have -> have >= REPEAT ? have - REPEAT : have);
      return before >= REPEAT;
    }
  }
}
