package luki.gateway.door;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import luki.gateway.testing.Processes;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A door whose classes exist only in a jar that is made here. */
class DoorsTest {
  /** It listens, and sends each body to a route of its own; the reply names the user. */
  private static final String DOOR =
      """
      package made;

      import com.sun.net.httpserver.HttpExchange;
      import com.sun.net.httpserver.HttpServer;
      import java.io.ByteArrayInputStream;
      import java.io.IOException;
      import java.net.InetSocketAddress;
      import java.time.Duration;
      import java.util.List;
      import java.util.Map;
      import java.util.Set;
      import luki.gateway.config.GatewayFile;
      import luki.gateway.config.Problems;
      import luki.gateway.door.Door;
      import luki.gateway.http.*;
      import luki.gateway.http.Policy.*;
      import luki.gateway.json.Json;
      import luki.http1.ByteBudget;
      import luki.http1.Fields;

      public final class Made implements Door, Door.Provider, Door.Entrance {
        private Host host;
        private HttpServer listener;
        private volatile Route.Served own;

        public Door open(Host host) {
          this.host = host;
          return this;
        }

        public Entrance entrance(Json contract, GatewayFile file, Problems problems) {
          if (contract.at("paths").size() == 0) {
            problems.add("made", "no contract");
          }
          return this;
        }

        public Map<String, Handler> handlers() {
          return Map.of();
        }

        public List<Route.Served> routes(List<Route.Served> contract, Problems problems) {
          Policy policy =
              new Policy(
                  new Access.Scoped(Set.of(new Scope("chat:write"))), new Owner.InBody("user_id"),
                  null, new Limits(1, Set.of(Meter.REQUESTS)), false);
          Route.Operation call =
              new Route.Operation(
                  "made.Door/Call", Method.POST, PathPattern.parse("/made.Door/Call"), null,
                  Duration.ofSeconds(5), "application/json", true, _ -> List.of(), null);
          Handler.Unrouted handler =
              exchange -> Response.json(200, Json.object().put("user", exchange.user().value()).build());
          return List.of(new Route.Served(call, policy, handler));
        }

        public void use(List<Route.Served> routes) {
          own = routes.stream().filter(each -> each.operation().id().equals("made.Door/Call"))
              .findFirst().orElseThrow();
        }

        public void start(Dispatcher gateway) throws IOException {
          int port = host.settings().doors().grpcPort();
          listener = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
          listener.createContext("/", http -> call(gateway, http));
          listener.start();
        }

        private void call(Dispatcher gateway, HttpExchange http) throws IOException {
          byte[] body = http.getRequestBody().readAllBytes();
          Fields fields =
              Fields.of("Content-Type", "application/json",
                  "X-API-Key", String.valueOf(http.getRequestHeaders().getFirst("X-API-Key")));
          Request request =
              new Request(Method.POST, Query.NONE, fields,
                  new Request.Input(new ByteArrayInputStream(body), body.length), "127.0.0.1", () -> {});
          try (http; ByteBudget.Lease memory = host.memory().lease()) {
            Response reply = gateway.dispatch(request, own, memory);
            byte[] bytes = Body.bytesOf(reply.body());
            http.sendResponseHeaders(reply.status(), bytes.length);
            http.getResponseBody().write(bytes);
            reply.onComplete().accept(new Response.Delivery(
                Response.Delivery.End.COMPLETE, reply.status(), bytes.length, null));
          }
        }

        public void drain() {
          listener.stop(0);
        }

        public void close() {
          listener.stop(0);
        }
      }
      """;

  @TempDir static Path directory;
  private static final HttpClient CLIENT = HttpClient.newHttpClient();

  @BeforeAll
  static void makeTheJar() throws IOException {
    Path source = Files.writeString(directory.resolve("Made.java"), DOOR);
    Path classes = Files.createDirectory(directory.resolve("classes"));
    int failed =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                null,
                null,
                "-proc:none",
                "-cp",
                System.getProperty("java.class.path"),
                "-d",
                classes.toString(),
                source.toString());
    assertEquals(0, failed);
    try (JarOutputStream jar =
            new JarOutputStream(Files.newOutputStream(directory.resolve("luki-grpc.jar")));
        Stream<Path> files = Files.walk(classes)) {
      jar.putNextEntry(new JarEntry("META-INF/services/" + Door.Provider.class.getName()));
      jar.write("made.Made".getBytes(StandardCharsets.US_ASCII));
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        jar.putNextEntry(new JarEntry(classes.relativize(file).toString()));
        jar.write(Files.readAllBytes(file));
      }
    }
  }

  private static TestGateway gateway(int port) {
    return TestGateway.builder()
        .with("EXTENSIONS_DIR", directory.toString())
        .with("GRPC_PORT", Integer.toString(port))
        .start();
  }

  private static HttpResponse<String> call(int port, String key, String body)
      throws IOException, InterruptedException {
    return CLIENT.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/"))
            .header("X-API-Key", key)
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build(),
        BodyHandlers.ofString());
  }

  @Test
  void aCallThroughADoorPassesEveryFilter() throws Exception {
    int port = Processes.freePort();
    try (TestGateway gateway = gateway(port)) {
      String key = gateway.key(List.of("maria_k"), "chat:write");
      String other = gateway.key(List.of("maria_k"), "elr:read");
      assertEquals("{\"user\":\"maria_k\"}", call(port, key, "{\"user_id\":\"maria_k\"}").body());
      assertEquals(403, call(port, key, "{\"user_id\":\"anna\"}").statusCode());
      assertTrue(call(port, key, "{\"user_id\":\"anna\"}").body().contains("NOT_OWNER"));
      assertTrue(call(port, other, "{\"user_id\":\"maria_k\"}").body().contains("FORBIDDEN"));
      assertEquals(401, call(port, "none", "{}").statusCode());
      assertEquals(400, call(port, key, "{").statusCode());
      List<String> lines = gateway.awaitLog(6);
      assertTrue(lines.getFirst().contains("\"route\":\"/made.Door/Call\""), lines.getFirst());
      assertEquals(
          "1",
          gateway.metric(
              "http_server_request_duration_seconds_count{http_request_method=\"POST\","
                  + "http_response_status_code=\"200\",http_route=\"/made.Door/Call\"}"));
      // Not over HTTP.
      assertEquals(404, gateway.client("chat:write").post("/made.Door/Call", "{}").status());
    }
  }

  @Test
  void aReloadKeepsTheDoorAndADrainClosesIt() throws Exception {
    int port = Processes.freePort();
    try (TestGateway gateway = gateway(port)) {
      String key = gateway.key(List.of("maria_k"), "chat:write");
      gateway.edit("max_in_flight:", "max_in_flight: 77 #");
      gateway.reload();
      assertEquals(1.0, gateway.reloads("applied"));
      assertEquals(200, call(port, key, "{\"user_id\":\"maria_k\"}").statusCode());
      gateway.drain();
      assertThrows(ConnectException.class, () -> call(port, key, "{}"));
    }
  }

  @Test
  void aMissingJarNamesTheTargetThatBuildsIt() {
    TestGateway.Builder wanted =
        TestGateway.builder()
            .with("EXTENSIONS_DIR", directory.toString())
            .with("GRAPHQL_ENABLED", "true");
    String message = assertThrows(IllegalArgumentException.class, wanted::start).getMessage();
    assertTrue(
        message.contains("GRAPHQL_ENABLED: needs ")
            && message.contains("luki-graphql.jar, which `make ext` builds"),
        message);
  }

  @Test
  void withoutItsSwitchNothingIsLoaded() throws IOException {
    Path broken = Files.createDirectory(directory.resolve("broken"));
    Files.writeString(broken.resolve("luki-grpc.jar"), "no jar");
    try (TestGateway gateway =
        TestGateway.builder().with("EXTENSIONS_DIR", broken.toString()).start()) {
      assertEquals(200, gateway.stranger().get("/healthz").status());
      assertTrue(
          gateway.stranger().get("/openapi.json").json().at("paths").at("/graphql").isMissing());
      for (String path : List.of("/graphql", "/graphql/stream")) {
        gateway.client("chat:write", "ops:read").post(path, "{}").expect(404, "NOT_FOUND");
      }
      gateway.client("chat:write", "ops:read").get("/graphql/schema").expect(404, "NOT_FOUND");
    }
    TestGateway.Builder on =
        TestGateway.builder().with("EXTENSIONS_DIR", broken.toString()).with("GRPC_PORT", "0");
    String message = assertThrows(IllegalArgumentException.class, on::start).getMessage();
    assertTrue(message.contains("GRPC_PORT: finds nothing that can be used in "), message);
  }
}
