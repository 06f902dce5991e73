package luki.gateway.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.Processes;
import luki.gateway.testing.Proxy;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The files of config/deploy for nginx, HAProxy and Caddy, in front of two gateways. */
class ProxiesTest {
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final int[] MORE_THAN_A_BODY_MAY_HAVE = {1_500_000, 20_000_000};

  private static HttpResponse<String> get(int port, String path, String... headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return HTTP.send(request.build(), BodyHandlers.ofString());
  }

  private static HttpRequest post(int port, String path, String key, String body) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
        .headers("Authorization", "Bearer " + key, "Content-Type", "application/json")
        .POST(BodyPublishers.ofString(body))
        .build();
  }

  private static Stream<Proxy> proxies() {
    return Stream.of(Proxy.NGINX, Proxy.HAPROXY, Proxy.CADDY);
  }

  @ParameterizedTest
  @MethodSource("proxies")
  void theFileDoesWhatItsCommentsSay(Proxy proxy, @TempDir Path directory) throws Exception {
    assumeTrue(proxy.isInstalled(), proxy.command().getFirst() + " is missing: make bench-peers");
    int port = Processes.freePort();
    try (StandIns services = StandIns.start();
        TestGateway first = gateway(services, null);
        TestGateway second = gateway(services, first.keyFile())) {
      try (Proxy.Running _ = proxy.start(directory, port, List.of(first.port(), second.port()))) {
        Waiting.until(Duration.ofSeconds(20), () -> isUp(port));
        String key = first.key(List.of("maria_k"), "chat:write");
        second.refreshKeys();
        assertTrue(saysTls(second.port()), "a proxy says so, and is trusted");
        // What the client says of itself is replaced.
        assertFalse(saysTls(port));
        longBodiesGetTheGatewaysOwnError(port, key);
        eventsPassAsTheyCome(port, key);
        aWebSocketPasses(port, key);
        anInstanceThatEndsIsNotNoticed(port, first);
      } catch (AssertionError failed) {
        throw new AssertionError(Files.readString(directory.resolve("output")), failed);
      }
    }
  }

  private static TestGateway gateway(StandIns services, String keyFile) {
    TestGateway.Builder builder =
        TestGateway.builder().with(services.urls()).with("TRUSTED_PROXIES", "127.0.0.0/8");
    return (keyFile == null ? builder : builder.with("API_KEYS_FILE", keyFile)).start();
  }

  private static boolean isUp(int port) {
    try {
      return get(port, "/healthz").statusCode() == 200;
    } catch (IOException notYet) {
      return false;
    } catch (InterruptedException interrupted) {
      throw new AssertionError(interrupted);
    }
  }

  /** Whether a request that claims to have come by TLS gets the header for that. */
  private static boolean saysTls(int port) throws Exception {
    return get(port, "/healthz", "X-Forwarded-Proto", "https", "X-Forwarded-For", "203.0.113.7")
        .headers()
        .firstValue("Strict-Transport-Security")
        .isPresent();
  }

  private static void longBodiesGetTheGatewaysOwnError(int port, String key) throws Exception {
    for (int length : MORE_THAN_A_BODY_MAY_HAVE) {
      String body = "{\"user_id\":\"" + "a".repeat(length) + "\"}";
      // The proxy may close the connection after a reply to half a body: no later request is on it.
      try (HttpClient own = HttpClient.newHttpClient()) {
        HttpResponse<String> reply =
            own.send(post(port, "/v1/chat", key, body), BodyHandlers.ofString());
        assertEquals(413, reply.statusCode());
        assertTrue(reply.body().contains("BODY_TOO_LARGE"), reply.body());
      }
    }
  }

  /** The stand-in waits between two tokens: a proxy that collects them would send all at once. */
  private static void eventsPassAsTheyCome(int port, String key) throws Exception {
    String body = "{\"user_id\":\"maria_k\",\"message\":\"Tell me about hiking\"}";
    var reply = HTTP.send(post(port, "/v1/chat/stream", key, body), BodyHandlers.ofInputStream());
    assertEquals(200, reply.statusCode());
    long first = 0;
    long last = 0;
    int tokens = 0;
    boolean done = false;
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(reply.body(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.contains("\"token\"")) {
          last = System.nanoTime();
          first = tokens == 0 ? last : first;
          tokens++;
        }
        done |= line.equals("event: done");
      }
    }
    assertTrue(done && tokens > 2, tokens + " tokens");
    long atOnce = Duration.ofMillis(30).toNanos() * (tokens - 1);
    assertTrue(last - first > atOnce, tokens + " tokens within " + (last - first) + " ns");
  }

  private static void aWebSocketPasses(int port, String key) throws Exception {
    StringBuilder received = new StringBuilder();
    CompletableFuture<Void> done = new CompletableFuture<>();
    WebSocket socket =
        HTTP.newWebSocketBuilder()
            .header("Authorization", "Bearer " + key)
            .buildAsync(
                URI.create("ws://127.0.0.1:" + port + "/v1/chat/ws"),
                new WebSocket.Listener() {
                  @Override
                  public @Nullable CompletionStage<?> onText(
                      WebSocket from, CharSequence text, boolean last) {
                    received.append(text);
                    if (received.indexOf("\"done\"") >= 0) {
                      done.complete(null);
                    }
                    from.request(1);
                    return null;
                  }
                })
            .get(10, TimeUnit.SECONDS);
    String chat = "{\"type\":\"chat\",\"id\":\"1\",\"user_id\":\"maria_k\",\"message\":\"Hi\"}";
    socket.sendText(chat, true).get(10, TimeUnit.SECONDS);
    done.get(20, TimeUnit.SECONDS);
    assertTrue(received.indexOf("\"token\"") >= 0, received::toString);
    socket.sendClose(WebSocket.NORMAL_CLOSURE, "").get(10, TimeUnit.SECONDS);
  }

  private static void anInstanceThatEndsIsNotNoticed(int port, TestGateway first) throws Exception {
    first.drain();
    for (int i = 0; i < 20; i++) {
      HttpResponse<String> reply = get(port, "/openapi.json");
      assertEquals(200, reply.statusCode(), reply.body());
    }
    assertFalse(get(port, "/readyz").body().contains("DRAINING"));
  }
}
