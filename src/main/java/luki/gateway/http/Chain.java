package luki.gateway.http;

import java.util.List;

/**
 * Filters in their order, and the route's own handler at the end. What one of them throws becomes a
 * reply right there, so the filters around it see replies only. It polices itself: a filter that
 * calls on twice is a defect, and is named.
 */
public final class Chain {
  private final List<Filter> filters;
  private final Defects defects;

  public Chain(List<Filter> filters, Defects defects) {
    this.filters = List.copyOf(filters);
    this.defects = defects;
  }

  /** The error for an unhandled exception. */
  @FunctionalInterface
  public interface Defects {
    ApiError of(Exception defect);
  }

  public Response handle(Exchange exchange) {
    return step(0, exchange);
  }

  private Response step(int index, Exchange exchange) {
    try {
      return index == filters.size()
          ? exchange.served().handler().handle(exchange)
          : filters.get(index).apply(exchange, new Next(index));
    } catch (ApiException refusal) {
      return Response.refused(refusal.error()).from(refusal.outcome());
    } catch (StackOverflowError deep) {
      return Response.refused(defects.of(new IllegalStateException("stack overflow", deep)));
    } catch (Exception defect) {
      if (defect instanceof InterruptedException) {
        Thread.currentThread().interrupt();
      }
      return Response.refused(defects.of(defect));
    }
  }

  private final class Next implements Handler {
    private final int index;
    private boolean called;

    Next(int index) {
      this.index = index;
    }

    @Override
    public Response handle(Exchange exchange) {
      if (called) {
        String name = filters.get(index).getClass().getSimpleName();
        throw new IllegalStateException(name + " called next twice");
      }
      called = true;
      return step(index + 1, exchange);
    }
  }
}
