package luki.gateway.upstream;

import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongSupplier;
import luki.gateway.config.GatewayFile;
import luki.gateway.http.Exchange;
import luki.gateway.http.Method;
import luki.gateway.http.Principal;
import luki.gateway.upstream.CircuitBreaker.CallResult;
import org.jspecify.annotations.Nullable;

/**
 * The circuit breakers of one service: one for the service, which opens when it cannot be reached,
 * and one for each operation, which opens on that operation's own failures and slow calls too. So
 * an operation that always fails is cut off without the others.
 */
final class ServiceBreakers {
  private static final Set<CallResult> FAILURES =
      EnumSet.complementOf(EnumSet.of(CallResult.SUCCESS, CallResult.IGNORED));

  private final GatewayFile.Breaker settings;
  final CircuitBreaker service;
  private final Map<Operation, CircuitBreaker> operations = new ConcurrentHashMap<>();

  ServiceBreakers(GatewayFile.Breaker settings) {
    this.settings = settings;
    this.service = breaker(EnumSet.of(CallResult.UNREACHABLE, CallResult.NO_CONNECTION));
  }

  private CircuitBreaker breaker(Set<CallResult> failing) {
    return new CircuitBreaker(settings, failing, System::nanoTime);
  }

  /** These where the settings are the same, else new ones, which are closed. */
  ServiceBreakers with(GatewayFile.Breaker other) {
    return other.equals(settings) ? this : new ServiceBreakers(other);
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
    Operation called = new Operation(method, exchange.route().template());
    CircuitBreaker.Permit ofOperation =
        operations.computeIfAbsent(called, _ -> breaker(FAILURES)).tryAcquire(caller);
    if (ofOperation == null) {
      ofService.end(caller, CallResult.IGNORED);
      return null;
    }
    return new Permit(caller, ofService, ofOperation);
  }

  /** What a call showed that took so long. */
  CallResult after(long nanos, CallResult result) {
    long limit = settings.slowCall().toNanos();
    return result == CallResult.SUCCESS && limit > 0 && nanos > limit ? CallResult.SLOW : result;
  }

  /** Whether any of them is open or half-open. */
  boolean isAnyTripped() {
    return service.isTripped() || operations.values().stream().anyMatch(CircuitBreaker::isTripped);
  }

  /**
   * Bounds repeats, so that a failing service does not get twice the load: within ten seconds at
   * most a tenth of the calls are repeated, but always ten may be.
   */
  static final class RetryBudget {
    private static final int SECONDS = 10;
    private static final int ALWAYS = 10;
    private static final int CALLS_PER_REPEAT = 10;
    private static final long SECOND_NANOS = 1_000_000_000L;

    private final LongSupplier nanoTime;
    private final long began;
    // For each of the last ten seconds: its number, and in the lower half how many calls it had.
    private final AtomicLongArray calls = new AtomicLongArray(SECONDS);
    private final AtomicLongArray repeats = new AtomicLongArray(SECONDS);

    RetryBudget(LongSupplier nanoTime) {
      this.nanoTime = nanoTime;
      this.began = nanoTime.getAsLong();
    }

    void called() {
      add(calls, second());
    }

    /** Whether there may be another repeat, which is counted. */
    synchronized boolean tryRepeat() {
      long second = second();
      if (sum(repeats, second) >= Math.max(ALWAYS, sum(calls, second) / CALLS_PER_REPEAT)) {
        return false;
      }
      add(repeats, second);
      return true;
    }

    private long second() {
      return (nanoTime.getAsLong() - began) / SECOND_NANOS;
    }

    private static void add(AtomicLongArray counts, long second) {
      counts.accumulateAndGet(
          (int) (second % SECONDS),
          second,
          (old, now) -> old >>> Integer.SIZE == now ? old + 1 : (now << Integer.SIZE) + 1);
    }

    private static long sum(AtomicLongArray counts, long second) {
      long sum = 0;
      for (int i = 0; i < SECONDS; i++) {
        long count = counts.get(i);
        sum += second - (count >>> Integer.SIZE) < SECONDS ? count & 0xffff_ffffL : 0;
      }
      return sum;
    }
  }
}
