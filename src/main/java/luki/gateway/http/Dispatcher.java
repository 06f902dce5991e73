package luki.gateway.http;

import luki.http1.ByteBudget;

/** Passes requests that a handler makes through the same steps as those of clients. */
public interface Dispatcher {
  /**
   * Blocks for the reply, whose listeners the caller must call once it was delivered.
   *
   * @param target path and query
   * @param memory what the exchange may hold, closed by the caller
   */
  Response dispatch(Request request, String target, ByteBudget.Lease memory);

  /** The same, to a route that no request line leads to; its path has no parameters. */
  Response dispatch(Request request, Route.Served route, ByteBudget.Lease memory);
}
