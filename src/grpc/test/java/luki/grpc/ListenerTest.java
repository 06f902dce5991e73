package luki.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import luki.memory.v1.IngestRequest;
import luki.memory.v1.MemoryItem;
import luki.memory.v1.SearchRequest;
import luki.memory.v1.WatchRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The listener: its bounds, health, reflection, TLS and how it stops. */
class ListenerTest {
  private static final byte SETTINGS = 4;
  private static final byte GO_AWAY = 7;
  private static final Duration LONGEST = Duration.ofSeconds(20);
  private static final SearchRequest SEARCH =
      SearchRequest.newBuilder().setUserId("maria_k").setQuery("hiking").build();

  private static ServingStatus health(Channel by) {
    return HealthGrpc.newBlockingStub(by)
        .check(HealthCheckRequest.getDefaultInstance())
        .getStatus();
  }

  @Test
  void healthNeedsNoCredential() {
    try (Site site = new Site(Map.of())) {
      assertEquals(ServingStatus.SERVING, health(site.stranger()));
    }
  }

  @Test
  void reflectionNeedsItsScopeAndDescribesTheListedServices() {
    try (Site site = new Site(Map.of())) {
      assertEquals("UNAUTHENTICATED", reflect(site.stranger()).failure().code());
      assertEquals("FORBIDDEN", reflect(site.maria("elr:read")).failure().code());
      Call<ServerReflectionRequest, ServerReflectionResponse> call =
          reflect(site.maria("ops:read"));
      call.awaitReplies(1);
      TreeSet<String> services = new TreeSet<>();
      call.replies
          .getFirst()
          .getListServicesResponse()
          .getServiceList()
          .forEach(each -> services.add(each.getName()));
      assertEquals(
          new TreeSet<>(
              List.of(
                  "grpc.health.v1.Health",
                  "grpc.reflection.v1.ServerReflection",
                  "luki.gateway.v1.Chat",
                  "luki.memory.v1.Memory")),
          services);
      call.send(
          ServerReflectionRequest.newBuilder()
              .setFileContainingSymbol("luki.memory.v1.Memory")
              .build());
      call.awaitReplies(2);
      assertEquals(
          1, call.replies.get(1).getFileDescriptorResponse().getFileDescriptorProtoCount());
      assertEquals(Status.Code.OK, call.end().failure().status());
    }
  }

  private static Call<ServerReflectionRequest, ServerReflectionResponse> reflect(Channel by) {
    return Call.begin(by, ServerReflectionGrpc.getServerReflectionInfoMethod())
        .ask(10)
        .send(ServerReflectionRequest.newBuilder().setListServices("").build());
  }

  @Test
  void aMessageBeyondTheLimitIsRefused() {
    try (Site site = new Site(Map.of("MAX_BODY_BYTES", "10000"))) {
      IngestRequest fits =
          IngestRequest.newBuilder().setUserId("maria_k").setText("x".repeat(9_900)).build();
      assertTrue(
          Site.call(site.maria("elr:write"), MemoryMethods.INGEST, fits)
              .getId()
              .startsWith("maria_k_"));
      IngestRequest large =
          IngestRequest.newBuilder().setUserId("maria_k").setText("x".repeat(10_001)).build();
      assertEquals(
          Status.Code.RESOURCE_EXHAUSTED,
          Site.failure(site.maria("elr:write"), MemoryMethods.INGEST, large).status());
    }
  }

  @Test
  void metadataBeyondTheLimitIsRefused() {
    try (Site site = new Site(Map.of("MAX_HEADER_BYTES", "4096"))) {
      Map<String, String> metadata =
          Map.of(
              "x-api-key",
              site.gateway.key(List.of("maria_k"), "elr:read"),
              "x-other",
              "y".repeat(5000));
      StatusRuntimeException refused =
          assertThrows(
              StatusRuntimeException.class,
              () -> Site.call(site.with(metadata), MemoryMethods.SEARCH, SEARCH));
      assertFalse(refused.getStatus().isOk());
      assertEquals(List.of(), site.memory.calls);
    }
  }

  @Test
  void aReplyBeyondTheLimitOfAServiceIsAnError() {
    try (Site site = new Site(Map.of("MAX_REPLY_BYTES", "4096"))) {
      Call<WatchRequest, MemoryItem> call =
          Call.begin(site.maria("elr:read"), MemoryMethods.WATCH)
              .send(
                  WatchRequest.newBuilder()
                      .setUserId("maria_k")
                      .setCount(1)
                      .setSize(10_000)
                      .build())
              .end()
              .ask(1);
      assertEquals("DOWNSTREAM_ERROR", call.failure().code());
    }
  }

  @Test
  void connectionsBeyondTheMostAreClosed() {
    try (Site site = new Site(Map.of("MAX_CONNECTIONS", "3"))) {
      List<ManagedChannel> open = new ArrayList<>();
      try {
        for (int i = 0; i < 3; i++) {
          ManagedChannel each = site.channel();
          open.add(each);
          assertEquals(ServingStatus.SERVING, health(each));
        }
        assertEquals(
            Status.Code.UNAVAILABLE,
            assertThrows(StatusRuntimeException.class, () -> health(site.stranger()))
                .getStatus()
                .getCode());
        open.removeLast().shutdownNow();
        Waiting.until(
            LONGEST,
            () -> {
              ManagedChannel next = site.channel();
              try {
                return health(next) == ServingStatus.SERVING;
              } catch (StatusRuntimeException full) {
                return false;
              } finally {
                next.shutdownNow();
              }
            });
      } finally {
        open.forEach(ManagedChannel::shutdownNow);
      }
    }
  }

  /** As a client of HTTP/2 without gRPC: PING after PING. */
  @Test
  void aClientThatPingsTooOftenIsSentAway() throws IOException {
    try (Site site = new Site(Map.of());
        Socket socket = http2(site.port)) {
      OutputStream out = socket.getOutputStream();
      byte[] ping = {0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
      for (int i = 0; i < 10; i++) {
        out.write(ping);
      }
      out.flush();
      assertEquals("too_many_pings", debugDataOfGoAway(socket.getInputStream()));
    }
  }

  /** The server's first frame says how many calls a connection may have at once. */
  @Test
  void aConnectionHasHundredCallsAtOnce() throws IOException {
    try (Site site = new Site(Map.of());
        Socket socket = http2(site.port)) {
      byte[] settings = payloadOf(SETTINGS, socket.getInputStream());
      int calls = -1;
      for (int at = 0; at < settings.length; at += 6) {
        boolean maxConcurrentStreams = settings[at] == 0 && settings[at + 1] == 3;
        calls = maxConcurrentStreams ? ByteBuffer.wrap(settings).getInt(at + 2) : calls;
      }
      assertEquals(100, calls);
    }
  }

  /** Calls that are begun and reset, over and over (CVE-2023-44487). */
  @Test
  void aClientThatResetsTooOftenIsSentAway() throws IOException {
    try (Site site = new Site(Map.of());
        Socket socket = http2(site.port)) {
      OutputStream out = socket.getOutputStream();
      // POST, http, and the path /x, which is literal.
      byte[] head = {(byte) 0x83, (byte) 0x86, 0x04, 2, '/', 'x'};
      ByteBuffer frames = ByteBuffer.allocate(300 * 28);
      for (int stream = 1; stream < 600; stream += 2) {
        frames.put(new byte[] {0, 0, (byte) head.length, 1, 4}).putInt(stream).put(head);
        frames.put(new byte[] {0, 0, 4, 3, 0}).putInt(stream).putInt(8);
      }
      out.write(frames.array());
      out.flush();
      int enhanceYourCalm = 11;
      byte[] goAway = payloadOf(GO_AWAY, socket.getInputStream());
      assertEquals(enhanceYourCalm, ByteBuffer.wrap(goAway).getInt(4));
      assertEquals(
          Status.Code.UNAUTHENTICATED,
          Site.failure(site.stranger(), MemoryMethods.SEARCH, SEARCH).status());
    }
  }

  /** A connection of HTTP/2 without gRPC. */
  private static Socket http2(int port) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(20_000);
    OutputStream out = socket.getOutputStream();
    out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    out.write(new byte[] {0, 0, 0, SETTINGS, 0, 0, 0, 0, 0});
    return socket;
  }

  private static String debugDataOfGoAway(InputStream in) throws IOException {
    byte[] payload = new byte[0];
    while (payload.length <= 8) {
      payload = payloadOf(GO_AWAY, in);
    }
    return new String(payload, 8, payload.length - 8, StandardCharsets.US_ASCII);
  }

  /** Of the next frame of a type. */
  private static byte[] payloadOf(int type, InputStream in) throws IOException {
    while (true) {
      byte[] head = in.readNBytes(9);
      assertEquals(9, head.length, "closed without such a frame");
      int length = (head[0] & 0xff) << 16 | (head[1] & 0xff) << 8 | (head[2] & 0xff);
      byte[] payload = in.readNBytes(length);
      if (head[3] == type) {
        return payload;
      }
    }
  }

  @Test
  void aDrainRefusesNewCallsLetsOthersFinishAndEndsStreams() throws Exception {
    Site site = new Site(Map.of("SHUTDOWN_GRACE_S", "4"));
    Channel maria = site.maria("elr:read");
    Call<WatchRequest, MemoryItem> stream =
        Call.begin(maria, MemoryMethods.WATCH)
            .send(WatchRequest.newBuilder().setUserId("maria_k").build())
            .end()
            .ask(1);
    stream.awaitReplies(1);
    Thread draining = Thread.ofVirtual().start(() -> drain(site.gateway));
    // The server sent GOAWAY on the connection. The client connects again, and is refused.
    Waiting.until(
        LONGEST,
        () -> {
          try {
            Object _ = Site.call(maria, MemoryMethods.SEARCH, SEARCH);
            return false;
          } catch (StatusRuntimeException refused) {
            assertEquals(Status.Code.UNAVAILABLE, refused.getStatus().getCode());
            return true;
          }
        });
    Site.Failure failure = stream.failure();
    assertEquals(Status.Code.UNAVAILABLE, failure.status());
    assertEquals("DRAINING", failure.code());
    draining.join();
    site.close();
  }

  private static void drain(TestGateway gateway) {
    try {
      gateway.drain();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void aDrainWaitsForAUnaryCall() throws Exception {
    Site site = new Site(Map.of("SHUTDOWN_GRACE_S", "20"));
    site.memory.silent = true;
    var call = Call.begin(site.maria("elr:read"), MemoryMethods.SEARCH).send(SEARCH).end().ask(2);
    Waiting.until(LONGEST, () -> !site.memory.calls.isEmpty());
    Thread draining = Thread.ofVirtual().start(() -> drain(site.gateway));
    Waiting.until(LONGEST, () -> site.gateway.stranger().get("/readyz").status() == 503);
    site.memory.release();
    assertEquals(Status.Code.OK, call.failure().status());
    draining.join();
    site.close();
  }

  @Test
  void tlsIsSpokenWithACertificate(@TempDir Path directory) throws Exception {
    Path certificate = directory.resolve("chain.pem");
    Path key = directory.resolve("key.pem");
    makeCertificate(directory, certificate, key);
    try (Site site =
        new Site(
            Map.of(
                "GRPC_TLS_CERT_PATH", certificate.toString(),
                "GRPC_TLS_KEY_PATH", key.toString()))) {
      ManagedChannel secure =
          NettyChannelBuilder.forAddress("localhost", site.port)
              .sslContext(GrpcSslContexts.forClient().trustManager(certificate.toFile()).build())
              .build();
      try {
        assertEquals(ServingStatus.SERVING, health(secure));
        Map<String, String> by =
            Map.of("x-api-key", site.gateway.key(List.of("maria_k"), "elr:read"));
        assertEquals(
            0, Site.call(Site.with(secure, by), MemoryMethods.SEARCH, SEARCH).getItemsCount());
        StatusRuntimeException plain =
            assertThrows(StatusRuntimeException.class, () -> health(site.stranger()));
        assertEquals(Status.Code.UNAVAILABLE, plain.getStatus().getCode());
      } finally {
        secure.shutdownNow();
      }
    }
  }

  /** With the JDK's own tool, as no class of it makes certificates. */
  private static void makeCertificate(Path directory, Path certificate, Path key) throws Exception {
    Path store = directory.resolve("store.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "door",
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-dname",
                "CN=localhost",
                "-ext",
                "san=dns:localhost",
                "-storetype",
                "PKCS12",
                "-storepass",
                "changeit",
                "-keystore",
                store.toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertTrue(keytool.waitFor(60, TimeUnit.SECONDS));
    java.security.KeyStore keys =
        java.security.KeyStore.getInstance(store.toFile(), "changeit".toCharArray());
    Files.writeString(certificate, pem("CERTIFICATE", keys.getCertificate("door").getEncoded()));
    Files.writeString(
        key, pem("PRIVATE KEY", keys.getKey("door", "changeit".toCharArray()).getEncoded()));
  }

  private static String pem(String what, byte[] der) {
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n"
        .formatted(what, Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der), what);
  }

  @Test
  void aServiceWithoutAnAddressIsNotConfigured() {
    try (Site site =
        new Site(
            TestGateway.builder()
                .yaml(
                    "Memory/Search:\n      {downstream: memory,",
                    "Memory/Search:\n      {downstream: agent,"))) {
      Site.Failure failure = Site.failure(site.maria("elr:read"), MemoryMethods.SEARCH, SEARCH);
      assertEquals(Status.Code.UNAVAILABLE, failure.status());
      assertEquals("DOWNSTREAM_NOT_CONFIGURED", failure.code());
    }
  }

  @Test
  void aServiceThatIsAwayIsUnavailable() {
    try (Site site = new Site(Map.of())) {
      site.memory.close();
      Site.Failure failure = Site.failure(site.maria("elr:read"), MemoryMethods.SEARCH, SEARCH);
      assertEquals(Status.Code.UNAVAILABLE, failure.status());
      assertEquals("DOWNSTREAM_UNAVAILABLE", failure.code());
      assertEquals("Memory service is unavailable", failure.text());
    }
  }

  @Test
  void theLimitsOfHttpAreThoseOfCalls() {
    try (Site site = new Site(Map.of("RATE_LIMIT_PER_MIN", "60", "RATE_LIMIT_BURST", "2"))) {
      Channel maria = site.maria("elr:read");
      Object _ = Site.call(maria, MemoryMethods.SEARCH, SEARCH);
      Object _ = Site.call(maria, MemoryMethods.SEARCH, SEARCH);
      Site.Failure failure = Site.failure(maria, MemoryMethods.SEARCH, SEARCH);
      assertEquals(Status.Code.RESOURCE_EXHAUSTED, failure.status());
      assertEquals("RATE_LIMITED", failure.code());
      assertTrue(Integer.parseInt(failure.trailers().get(Site.text("retry-after"))) > 0);
      assertTrue(failure.trailers().get(Site.text("ratelimit")).contains("r=0"));
    }
  }

  @Test
  void methodsCanBeChangedWithoutARestart() {
    try (Site site = new Site(Map.of())) {
      Channel maria = site.maria("elr:read");
      Object _ = Site.call(maria, MemoryMethods.SEARCH, SEARCH);
      site.gateway.edit(
          "Memory/Search:\n      {downstream: memory, scopes: [elr:read],",
          "Memory/Search:\n      {downstream: memory, scopes: [elr:write],");
      site.gateway.reload();
      assertEquals("FORBIDDEN", Site.failure(maria, MemoryMethods.SEARCH, SEARCH).code());
      site.gateway.edit("owner: subject.user_id", "owner: subject.nothing");
      site.gateway.reload();
      assertEquals(1.0, site.gateway.reloads("refused"));
      assertEquals("FORBIDDEN", Site.failure(maria, MemoryMethods.SEARCH, SEARCH).code());
    }
  }
}
