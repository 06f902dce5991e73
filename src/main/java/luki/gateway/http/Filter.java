package luki.gateway.http;

import java.io.IOException;

/** A step on the way to a handler: it calls {@code next} at most once and returns a reply. */
@FunctionalInterface
public interface Filter {
  Response apply(Exchange exchange, Handler next) throws IOException, InterruptedException;
}
