package luki.gateway.http;

import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Filters in their order, and the route's own handler at the end. An exception of a filter becomes
 * a reply at once, so the filters around it see replies only. A filter that calls the next one
 * twice is a defect, and is named.
 *
 * @param steps at most 64
 * @param defects the error for an unhandled exception
 */
public record Chain(List<Step> steps, Function<Exception, ApiError> defects) {
  public Chain {
    if (steps.size() > Long.SIZE) {
      throw new IllegalArgumentException("more than 64 steps");
    }
    steps = List.copyOf(steps);
  }

  /**
   * A filter in its place.
   *
   * @param refusals the only codes with which the step itself refuses; empty if it never does
   * @param live it decides by what a running gateway has counted, not by the request alone
   */
  public record Step(String name, Filter filter, Set<ErrorCode> refusals, boolean live) {
    public Step {
      refusals = Set.copyOf(refusals);
    }

    public Step with(Filter other) {
      return new Step(name, other, refusals, live);
    }
  }

  public Response handle(Exchange exchange) {
    return new Run().step(0, exchange);
  }

  /** The next handler of every filter for one exchange: one object is enough for all of them. */
  private final class Run implements Next {
    private int current;
    // A bit for each step.
    private long called;

    @Override
    public Response handle(Exchange exchange) {
      int caller = current;
      if (hasCalled(caller)) {
        throw new IllegalStateException(steps.get(caller).name + " called next twice");
      }
      called |= 1L << caller;
      try {
        return step(caller + 1, exchange);
      } finally {
        current = caller;
      }
    }

    private boolean hasCalled(int index) {
      return (called >>> index & 1) != 0;
    }

    private Response step(int index, Exchange exchange) {
      current = index;
      try {
        if (index == steps.size()) {
          return exchange.served().handler().handle(exchange);
        }
        Response response = steps.get(index).filter.apply(exchange, this);
        assert hasCalled(index) || declares(index, response.outcome().refusal());
        return response;
      } catch (ApiException refusal) {
        assert declares(index, refusal.error());
        return Response.refused(refusal.error()).from(refusal.outcome());
      } catch (VirtualMachineError | LinkageError broken) {
        // Deep recursion, too little memory or a class that cannot be used: what was begun must
        // end.
        return Response.refused(defects.apply(new IllegalStateException("JVM error", broken)));
      } catch (Exception defect) {
        if (defect instanceof InterruptedException) {
          Thread.currentThread().interrupt();
        }
        return Response.refused(defects.apply(defect));
      }
    }
  }

  /** With assertions on, as in every test: a step refuses only as it declares. */
  private boolean declares(int index, @Nullable ApiError refusal) {
    if (refusal == null
        || index == steps.size()
        || steps.get(index).refusals.contains(refusal.code())) {
      return true;
    }
    throw new AssertionError(steps.get(index).name + " does not declare " + refusal.code());
  }

  /** A step on the way to a handler: it calls {@code next} at most once and returns a reply. */
  @FunctionalInterface
  public interface Filter {
    Response apply(Exchange exchange, Next next) throws InterruptedException;
  }

  /** The steps behind a filter: an exception of one of them has become a reply. */
  @FunctionalInterface
  public interface Next {
    Response handle(Exchange exchange);
  }
}
