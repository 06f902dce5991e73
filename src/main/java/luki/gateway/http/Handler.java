package luki.gateway.http;

import java.io.IOException;

/** Turns a request into a reply. */
@FunctionalInterface
public interface Handler {
  Response handle(Exchange exchange) throws IOException, InterruptedException;
}
