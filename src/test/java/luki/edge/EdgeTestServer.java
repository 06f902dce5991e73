package luki.edge;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import luki.gateway.testing.RawHttpClient;
import luki.http1.ByteBudget;
import luki.http1.Refusals;

/** A server of this engine on a port of its own. */
final class EdgeTestServer implements AutoCloseable {
  private final HttpServer server;

  EdgeTestServer(EdgeLimits limits, Refusals refusals, HttpHandler handler) throws IOException {
    server =
        new EdgeServer(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            0,
            limits,
            handler,
            refusals,
            new ByteBudget(Long.MAX_VALUE));
    server.start();
  }

  EdgeTestServer(HttpHandler handler) throws IOException {
    this(UsualLimits.edge(), Refusals.BARE, handler);
  }

  /** Answers 200 with the target, after reading the body. */
  static HttpHandler echo() {
    return exchange -> {
      byte[] body = exchange.getRequestBody().readAllBytes();
      String text = exchange.getRequestMethod() + " " + exchange.getRequestURI() + " ";
      byte[] head = text.getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(200, head.length + body.length);
      exchange.getResponseBody().write(head);
      exchange.getResponseBody().write(body);
    };
  }

  /** Answers with a text of its own. */
  static void answer(HttpExchange exchange, int status, String text) throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
  }

  /** The usual limits, with other times. */
  static EdgeLimits within(Duration head, Duration body, Duration idle, Duration write) {
    EdgeLimits usual = UsualLimits.edge();
    return new EdgeLimits(
        usual.head(), head, usual.bodyBytes(), body, idle, write, usual.connections(), 0);
  }

  int port() {
    return server.getAddress().getPort();
  }

  HttpServer server() {
    return server;
  }

  RawHttpClient connect() throws IOException {
    return new RawHttpClient(port());
  }

  /** Sends the bytes on a connection of their own, and reads to its end. */
  String ask(String bytes) throws IOException {
    return RawHttpClient.readAll(port(), bytes);
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
