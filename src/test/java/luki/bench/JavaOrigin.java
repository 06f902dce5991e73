package luki.bench;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import luki.edge.EdgeServer;
import luki.edge.UsualLimits;
import luki.http1.ByteBudget;
import luki.http1.Refusals;

/**
 * An agent that says the time of its own clock once a second, and, where nginx is not installed,
 * the other services too.
 */
public final class JavaOrigin implements AutoCloseable {
  private static final byte[] SMALL =
      ("{\"status\":\"success\",\"id\":\"" + "x".repeat(115) + "\"}")
          .getBytes(StandardCharsets.US_ASCII);
  private static final byte[] LIST =
      ("{\"phases\":[\"" + "y".repeat(10 * 1024) + "\"]}").getBytes(StandardCharsets.US_ASCII);
  private static final byte[] YES = "{\"allowed\":true}".getBytes(StandardCharsets.US_ASCII);

  private final HttpServer server;
  private volatile boolean stopped;

  JavaOrigin(int port) throws IOException {
    server =
        new EdgeServer(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), port),
            4096,
            UsualLimits.edge(),
            this::answer,
            Refusals.BARE,
            new ByteBudget(Long.MAX_VALUE));
    server.start();
  }

  /** Argument: the port to listen on. */
  public static void main(String[] port) throws IOException {
    // Lives as long as its process.
    JavaOrigin _ = new JavaOrigin(Integer.parseInt(port[0]));
  }

  /** A reply of 10 KB. */
  static byte[] list() {
    return LIST.clone();
  }

  int port() {
    return server.getAddress().getPort();
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    exchange.getRequestBody().readAllBytes();
    if (path.endsWith("/stream")) {
      stream(exchange);
      return;
    }
    byte[] body = path.startsWith("/policy") ? YES : path.endsWith("phases") ? LIST : SMALL;
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(200, body.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(body);
    }
  }

  private void stream(HttpExchange exchange) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
    exchange.sendResponseHeaders(200, 0);
    try (OutputStream out = exchange.getResponseBody()) {
      while (!stopped) {
        String event = "data: {\"token\": \"" + System.nanoTime() + "\"}\n\n";
        out.write(event.getBytes(StandardCharsets.US_ASCII));
        out.flush();
        Thread.sleep(1000);
      }
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    stopped = true;
    server.stop(0);
  }
}
