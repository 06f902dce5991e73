package luki.gateway.handler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.zip.GZIPInputStream;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The pages and their files can be cached and compressed, and are not sent without end. */
class DocsTest {
  private static final String CONSOLE = "/console/console.js";
  private static final String SCRIPT = "/docs/redoc.standalone.js";

  @AutoClose
  private static final TestGateway GATEWAY =
      TestGateway.builder().with("CORS_ALLOWED_ORIGINS", "https://app.example").start();

  private static final Client READER = GATEWAY.stranger();

  private static HttpResponse<byte[]> get(String target, String... headers) throws Exception {
    return Client.http()
        .send(
            READER.request("GET", target, null, headers), HttpResponse.BodyHandlers.ofByteArray());
  }

  private static String only(HttpResponse<?> reply, String name) {
    assertEquals(1, reply.headers().allValues(name).size(), name + ": " + reply.headers());
    return reply.headers().firstValue(name).orElseThrow();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/docs", SCRIPT, "/docs/icon.svg", "/openapi.json", "/console", CONSOLE})
  void anUnchangedFileIsNotSentAgain(String target) {
    HttpReply whole = READER.get(target).expect(200);
    String tag = whole.only("ETag");
    assertTrue(tag.matches("\"[!-~]+\""), tag);
    for (String known : List.of(tag, "W/" + tag, "\"x\" , " + tag, "*")) {
      HttpReply same = READER.get(target, "If-None-Match", known).expect(304);
      assertEquals("", same.rest());
      // A cache takes these from the 304.
      for (String name : List.of("ETag", "Vary", "Cache-Control", "Content-Security-Policy")) {
        assertEquals(whole.only(name), same.only(name), name);
      }
    }
    for (String other : List.of("\"x\"", "W/\"x\"", tag.replace("\"", ""), "\"*\"")) {
      READER.get(target, "If-None-Match", other).expect(200);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/docs", SCRIPT, "/docs/icon.svg", "/openapi.json", "/console", CONSOLE})
  void aFileIsCompressedForThoseThatAcceptIt(String target) throws Exception {
    HttpResponse<byte[]> plain = get(target);
    for (String accept : List.of("gzip", "br, GZIP ;q=0.5, *", "deflate,gzip;q=1.0")) {
      HttpResponse<byte[]> zipped = get(target, "Accept-Encoding", accept);
      assertEquals("gzip", only(zipped, "Content-Encoding"), accept);
      assertEquals("Accept-Encoding, Origin", only(zipped, "Vary"));
      assertEquals(only(plain, "Content-Type"), only(zipped, "Content-Type"));
      assertNotEquals(only(plain, "ETag"), only(zipped, "ETag"));
      byte[] bytes = new GZIPInputStream(new ByteArrayInputStream(zipped.body())).readAllBytes();
      assertArrayEquals(plain.body(), bytes);
      assertTrue(zipped.body().length < plain.body().length);
      HttpResponse<byte[]> same =
          get(target, "Accept-Encoding", accept, "If-None-Match", only(zipped, "ETag"));
      assertEquals(304, same.statusCode());
    }
    for (String accept : List.of("identity", "br", "gzip;q=0", "gzip; q=0.000, br", "xgzip", "")) {
      HttpResponse<byte[]> reply = get(target, "Accept-Encoding", accept);
      assertFalse(reply.headers().firstValue("Content-Encoding").isPresent(), accept);
      assertEquals("Accept-Encoding, Origin", only(reply, "Vary"));
      assertArrayEquals(plain.body(), reply.body());
    }
  }

  @Test
  void theConsoleIsServedInDevAndWhereItIsEnabled() {
    READER.get("/console").expect(200);
    for (String file : List.of("console.css", "console.js", "chat.js", "metrics.js")) {
      READER.get("/console/" + file).expect(200);
    }
    READER.get("/console/none.js").expect(404);
    try (TestGateway without = TestGateway.builder().with("CONSOLE_ENABLED", "false").start()) {
      for (String path : List.of("/console", CONSOLE, "/console/none.js")) {
        without.stranger().get(path).expect(404, "NOT_FOUND");
        without.stranger().send("OPTIONS", path, null).expect(404);
      }
      without.stranger().get("/docs").expect(200);
    }
  }

  @Test
  void anAddressGetsOnlySoManyFilesAMinute() {
    try (TestGateway limited =
        TestGateway.builder()
            .with("RATE_LIMIT_PER_MIN", "3")
            .with("TRUSTED_PROXIES", "127.0.0.1")
            .start()) {
      Client stranger = limited.stranger();
      for (int i = 0; i < 3; i++) {
        stranger.get(SCRIPT, "X-Forwarded-For", "192.0.2.1").expect(200);
      }
      HttpReply refused = stranger.get(SCRIPT, "X-Forwarded-For", "192.0.2.1");
      refused.expect(429, "RATE_LIMITED");
      assertTrue(Integer.parseInt(refused.only("Retry-After")) > 0);
      stranger.get("/docs/none", "X-Forwarded-For", "192.0.2.1").expect(429);
      stranger.get(SCRIPT, "X-Forwarded-For", "192.0.2.2").expect(200);
      // What health checks and callers with a credential use is not affected.
      stranger.get("/healthz", "X-Forwarded-For", "192.0.2.1").expect(200);
      limited.client("usage:read").get("/v1/usage", "X-Forwarded-For", "192.0.2.1").expect(200);
    }
  }
}
