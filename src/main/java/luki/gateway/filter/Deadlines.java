package luki.gateway.filter;

import java.io.IOException;
import luki.gateway.http.Deadline;
import luki.gateway.http.Exchange;
import luki.gateway.http.Filter;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;

/** Gives the request the deadline of its route, counted from its head. */
public final class Deadlines implements Filter {
  @Override
  public Response apply(Exchange exchange, Handler next) throws IOException, InterruptedException {
    long at = exchange.receivedNanos() + exchange.route().deadline().toNanos();
    return next.handle(exchange.within(new Deadline(at)));
  }
}
