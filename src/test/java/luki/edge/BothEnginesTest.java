package luki.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.Filter;
import com.sun.net.httpserver.HttpContext;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.spi.HttpServerProvider;
import java.io.FilterOutputStream;
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
import java.util.Locale;
import java.util.stream.Stream;
import luki.gateway.http.Chain;
import luki.http1.ByteBudget;
import luki.http1.Refusals;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A program that was written for the JDK's server, on both engines. */
class BothEnginesTest {
  static Stream<HttpServerProvider> engines() {
    return Stream.of(
        new EdgeProvider(EdgeLimits.usual(), Refusals.BARE, new ByteBudget(Long.MAX_VALUE)),
        HttpServerProvider.provider());
  }

  /** Sends everything in capitals, and says so. */
  private static final class Capitals extends Filter {
    @Override
    public void doFilter(HttpExchange exchange, Chain chain) throws IOException {
      OutputStream plain = exchange.getResponseBody();
      exchange.setStreams(
          null,
          new FilterOutputStream(plain) {
            @Override
            public void write(int octet) throws IOException {
              out.write(Character.toUpperCase(octet));
            }
          });
      exchange.getResponseHeaders().add("X-Filter", description());
      chain.doFilter(exchange);
    }

    @Override
    public String description() {
      return "capitals";
    }
  }

  private static HttpServer program(HttpServerProvider engine) throws IOException {
    HttpServer server =
        engine.createHttpServer(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", BothEnginesTest::describe);
    HttpContext filtered = server.createContext("/loud", BothEnginesTest::describe);
    filtered.getFilters().add(new Capitals());
    filtered.getAttributes().put("kind", "loud");
    server.createContext("/stream").setHandler(BothEnginesTest::stream);
    server.createContext(
        "/empty",
        exchange -> {
          exchange.sendResponseHeaders(204, -1);
          exchange.close();
        });
    server.start();
    return server;
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
            exchange.getHttpContext().getPath(),
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
  void aRequestIsDescribed(HttpServerProvider engine) throws Exception {
    HttpServer server = program(engine);
    try {
      HttpResponse<String> reply =
          send(to(server, "/a%20b?c=%20d").POST(BodyPublishers.ofString("body")));
      assertEquals(200, reply.statusCode());
      assertEquals("POST /a b c=%20d HTTP/1.1 / yes 127.0.0.1 body", reply.body());
      assertEquals("text/plain", reply.headers().firstValue("content-type").orElseThrow());
      assertEquals(2, reply.headers().allValues("X-Two").size());
      assertTrue(reply.headers().firstValue("Date").isPresent());
    } finally {
      server.stop(0);
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void theLongestContextServesWithItsFilters(HttpServerProvider engine) throws Exception {
    HttpServer server = program(engine);
    try {
      HttpResponse<String> reply = send(to(server, "/loud/x"));
      assertEquals("capitals", reply.headers().firstValue("X-Filter").orElseThrow());
      assertEquals(
          "GET /LOUD/X NULL HTTP/1.1 /LOUD YES 127.0.0.1 ", reply.body().toUpperCase(Locale.ROOT));
      assertTrue(reply.body().startsWith("GET /LOUD/X"), reply.body());
    } finally {
      server.stop(0);
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void bodiesAreStreamedBothWays(HttpServerProvider engine) throws Exception {
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
  void aReplyWithoutABodyIsWhole(HttpServerProvider engine) throws Exception {
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
