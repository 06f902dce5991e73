package luki.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import luki.http1.ByteBudget;
import luki.http1.EngineExchange;
import luki.http1.Fields;
import luki.http1.Refusals;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A program that was written for the JDK's server, on both engines. */
class BothEnginesTest {
  /** An engine: makes a server with one handler. */
  interface Engine {
    HttpServer bind(InetSocketAddress address, HttpHandler handler) throws IOException;
  }

  static Stream<Named<Engine>> engines() {
    return Stream.of(
        Named.of(
            "edge",
            (address, handler) ->
                new EdgeServer(
                    address,
                    0,
                    UsualLimits.edge(),
                    handler,
                    Refusals.BARE,
                    new ByteBudget(Long.MAX_VALUE))),
        Named.of(
            "jdk",
            (address, handler) -> {
              HttpServer server = HttpServer.create(address, 0);
              server.createContext("/", handler);
              return server;
            }));
  }

  private static HttpServer program(Engine engine) throws IOException {
    HttpServer server =
        engine.bind(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), BothEnginesTest::serve);
    server.start();
    return server;
  }

  private static void serve(HttpExchange exchange) throws IOException {
    switch (exchange.getRequestURI().getPath()) {
      case "/stream" -> stream(exchange);
      case "/view" -> view(exchange);
      case "/empty" -> {
        exchange.sendResponseHeaders(204, -1);
        exchange.close();
      }
      default -> describe(exchange);
    }
  }

  /** By what every engine offers beyond the JDK's type. */
  private static void view(HttpExchange exchange) throws IOException {
    EngineExchange engine = EngineExchange.of(exchange);
    byte[] body = exchange.getRequestBody().readAllBytes();
    engine.interruptWhenPeerLeaves();
    engine.readBodyBy(System.nanoTime());
    String text =
        String.join(
            " ",
            engine.target(),
            engine.fields().only("x-sent"),
            engine.bodyLength() + "/" + body.length,
            String.valueOf(engine.isPeerGone()));
    engine.sendHead(203, Fields.of("X-Two", "a", "X-Two", "b", "Date", "never"), text.length());
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(text.getBytes(StandardCharsets.US_ASCII));
    }
  }

  private static void describe(HttpExchange exchange) throws IOException {
    String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    String text =
        String.join(
            " ",
            exchange.getRequestMethod(),
            exchange.getRequestURI().getPath(),
            String.valueOf(exchange.getRequestURI().getRawQuery()),
            exchange.getProtocol(),
            exchange.getRequestHeaders().getFirst("x-sent"),
            exchange.getRemoteAddress().getAddress().getHostAddress(),
            body);
    exchange.getResponseHeaders().set("Content-Type", "text/plain");
    exchange.getResponseHeaders().add("X-Two", "a");
    exchange.getResponseHeaders().add("X-Two", "b");
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(200, bytes.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(bytes);
    }
    assertEquals(200, exchange.getResponseCode());
  }

  private static void stream(HttpExchange exchange) throws IOException {
    exchange.sendResponseHeaders(200, 0);
    try (OutputStream out = exchange.getResponseBody()) {
      for (int i = 0; i < 1000; i++) {
        out.write(("line " + i + "\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
      }
    }
  }

  private static HttpResponse<String> send(HttpRequest.Builder request)
      throws IOException, InterruptedException {
    try (HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
      return client.send(request.header("X-Sent", "yes").build(), BodyHandlers.ofString());
    }
  }

  private static HttpRequest.Builder to(HttpServer server, String target) {
    return HttpRequest.newBuilder(
        URI.create("http://127.0.0.1:" + server.getAddress().getPort() + target));
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aRequestIsDescribed(Engine engine) throws Exception {
    HttpServer server = program(engine);
    try {
      HttpResponse<String> reply =
          send(to(server, "/a%20b?c=%20d").POST(BodyPublishers.ofString("body")));
      assertEquals(200, reply.statusCode());
      assertEquals("POST /a b c=%20d HTTP/1.1 yes 127.0.0.1 body", reply.body());
      assertEquals("text/plain", reply.headers().firstValue("content-type").orElseThrow());
      assertEquals(2, reply.headers().allValues("X-Two").size());
      assertTrue(reply.headers().firstValue("Date").isPresent());
    } finally {
      server.stop(0);
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void whatIsBeyondTheInterfaceIsTheSame(Engine engine) throws Exception {
    HttpServer server = program(engine);
    try {
      HttpResponse<String> reply =
          send(to(server, "/view?a=%20b").POST(BodyPublishers.ofString("body")));
      assertEquals(203, reply.statusCode());
      assertEquals("/view?a=%20b yes 4/4 false", reply.body());
      assertEquals(List.of("a", "b"), reply.headers().allValues("X-Two"));
      HttpRequest.BodyPublisher chunked =
          BodyPublishers.fromPublisher(BodyPublishers.ofString("body"));
      assertEquals("/view yes -1/4 false", send(to(server, "/view").PUT(chunked)).body());
    } finally {
      server.stop(0);
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void bodiesAreStreamedBothWays(Engine engine) throws Exception {
    HttpServer server = program(engine);
    try {
      HttpResponse<String> reply = send(to(server, "/stream"));
      assertTrue(reply.body().startsWith("line 0\nline 1\n"));
      assertTrue(reply.body().endsWith("line 999\n"));
      byte[] large = "x".repeat(300_000).getBytes(StandardCharsets.US_ASCII);
      HttpRequest.BodyPublisher chunked =
          BodyPublishers.fromPublisher(BodyPublishers.ofByteArray(large));
      HttpResponse<String> echoed = send(to(server, "/up").PUT(chunked));
      assertTrue(echoed.body().endsWith("x".repeat(300_000)));
    } finally {
      server.stop(0);
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aReplyWithoutABodyIsWhole(Engine engine) throws Exception {
    HttpServer server = program(engine);
    try {
      HttpResponse<String> reply = send(to(server, "/empty"));
      assertEquals(204, reply.statusCode());
      assertEquals("", reply.body());
    } finally {
      server.stop(0);
    }
  }
}
