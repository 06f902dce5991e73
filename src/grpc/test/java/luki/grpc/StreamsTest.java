package luki.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Channel;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import luki.memory.v1.IngestRequest;
import luki.memory.v1.IngestSummary;
import luki.memory.v1.MemoryItem;
import luki.memory.v1.SearchReply;
import luki.memory.v1.SearchRequest;
import luki.memory.v1.WatchRequest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Calls whose client or service streams. */
class StreamsTest {
  private static final Duration LONGEST = Duration.ofSeconds(20);
  private static Site site;

  @BeforeAll
  static void start() {
    site = new Site(TestGateway.builder().with("MAX_BUFFERED_BYTES", "50000000"));
  }

  @AfterAll
  static void stop() {
    site.close();
  }

  @BeforeEach
  void reset() {
    site.memory.messages.clear();
    site.memory.failure = null;
  }

  private static IngestRequest ingest(String user) {
    return IngestRequest.newBuilder().setUserId(user).setText("x").build();
  }

  private static SearchRequest search(String user) {
    return SearchRequest.newBuilder().setUserId(user).setQuery("x").build();
  }

  private static WatchRequest watch(String user, int count, int size) {
    return WatchRequest.newBuilder().setUserId(user).setCount(count).setSize(size).build();
  }

  @Test
  void aClientStreams() {
    Call<IngestRequest, IngestSummary> call =
        Call.begin(site.maria("elr:write"), MemoryMethods.INGEST_STREAM).ask(2);
    for (int i = 0; i < 100; i++) {
      Call<IngestRequest, IngestSummary> _ = call.send(ingest("maria_k"));
    }
    call.end().awaitReplies(1);
    assertEquals(100, call.replies.getFirst().getKept());
    assertEquals(Status.Code.OK, call.failure().status());
  }

  @Test
  void aServiceStreams() {
    Call<WatchRequest, MemoryItem> call =
        Call.begin(site.maria("elr:read"), MemoryMethods.WATCH)
            .send(watch("maria_k", 250, 10))
            .end()
            .ask(1000);
    assertEquals(Status.Code.OK, call.failure().status());
    assertEquals(250, call.replies.size());
  }

  @Test
  void bothStream() {
    Call<SearchRequest, SearchReply> call =
        Call.begin(site.maria("elr:read"), MemoryMethods.CONVERSE).ask(1000);
    for (int i = 1; i <= 20; i++) {
      call.send(search("maria_k")).awaitReplies(i);
    }
    assertEquals(Status.Code.OK, call.end().failure().status());
    assertEquals(20, call.replies.size());
  }

  @Test
  void eachMessageOfAStreamMustNameTheSameUser() {
    Channel both = site.as(List.of("maria_k", "anna"), "elr:write");
    for (IngestRequest other :
        List.of(ingest("anna"), ingest("someone"), IngestRequest.getDefaultInstance())) {
      Call<IngestRequest, IngestSummary> call =
          Call.begin(both, MemoryMethods.INGEST_STREAM)
              .ask(2)
              .send(ingest("maria_k"))
              .send(ingest("maria_k"))
              .send(other);
      Site.Failure failure = call.failure();
      assertEquals(Status.Code.INVALID_ARGUMENT, failure.status());
      assertEquals("INVALID_REQUEST", failure.code());
      assertTrue(failure.text().contains("/user_id"), failure.text());
    }
    for (Object message : site.memory.messages) {
      assertEquals("maria_k", ((IngestRequest) message).getUserId());
    }
  }

  @Test
  void theFirstMessageOfAStreamDecidesWhoMayBegin() {
    assertEquals(
        "NOT_OWNER",
        Call.begin(site.maria("elr:write"), MemoryMethods.INGEST_STREAM)
            .ask(2)
            .send(ingest("anna"))
            .failure()
            .code());
    assertEquals(
        "INVALID_REQUEST",
        Call.begin(site.maria("elr:write"), MemoryMethods.INGEST_STREAM)
            .ask(2)
            .end()
            .failure()
            .code());
    assertEquals(
        "NOT_OWNER",
        Call.begin(site.maria("elr:read"), MemoryMethods.WATCH)
            .ask(2)
            .send(watch("anna", 1, 1))
            .end()
            .failure()
            .code());
    assertEquals(List.of(), site.memory.messages);
  }

  @Test
  void aSecondMessageToAUnaryMethodIsRefused() {
    var twice =
        MemoryMethods.SEARCH.toBuilder()
            .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
            .build();
    Call<SearchRequest, SearchReply> call =
        Call.begin(site.maria("elr:read"), twice)
            .ask(2)
            .send(search("maria_k"))
            .send(search("anna"))
            .end();
    assertEquals("INVALID_REQUEST", call.failure().code());
    assertEquals(List.of(), site.memory.messages);
  }

  @Test
  void aClientThatCancelsEndsTheCallToTheService() {
    int before = site.memory.cancelled.get();
    Call<WatchRequest, MemoryItem> call =
        Call.begin(site.maria("elr:read"), MemoryMethods.WATCH)
            .send(watch("maria_k", 0, 0))
            .end()
            .ask(1);
    call.awaitReplies(1);
    call.call.cancel("enough", null);
    Waiting.until(LONGEST, () -> site.memory.cancelled.get() > before);
    Waiting.until(
        LONGEST,
        () -> site.gateway.log().stream().anyMatch(line -> line.contains("client_closed")));
  }

  @Test
  void aServiceThatFailsEndsTheCallOfTheClient() {
    site.memory.failure = Status.FAILED_PRECONDITION.withDescription("/srv/internal/path");
    Call<WatchRequest, MemoryItem> call =
        Call.begin(site.maria("elr:read"), MemoryMethods.WATCH)
            .send(watch("maria_k", 1, 1))
            .end()
            .ask(1);
    Site.Failure failure = call.failure();
    assertEquals(Status.Code.FAILED_PRECONDITION, failure.status());
    assertEquals("DOWNSTREAM_REJECTED", failure.code());
    assertEquals("Memory service rejected the request", failure.text());
  }

  @Test
  void aSlowReaderStopsTheServiceAndHoldsLittle() throws InterruptedException {
    long before = site.memory.sent.get();
    Call<WatchRequest, MemoryItem> call =
        Call.begin(site.maria("elr:read"), MemoryMethods.WATCH)
            .send(watch("maria_k", 0, 100_000))
            .end()
            .ask(1);
    call.awaitReplies(1);
    // It sends until nothing more is taken: what is then on the way is bounded.
    long sent = settled(() -> site.memory.sent.get() - before);
    assertTrue(sent < 8_000_000, sent + " bytes on the way");
    assertTrue(site.gateway.heldMemory() < 4_000_000);
    call.ask(100).awaitReplies(101);
    assertTrue(site.memory.sent.get() - before > sent);
    call.call.cancel("enough", null);
  }

  /** The value once it has not changed for a while. */
  private static long settled(java.util.function.LongSupplier value) {
    long[] last = {-1, System.nanoTime()};
    Waiting.until(
        LONGEST,
        () -> {
          long now = value.getAsLong();
          if (now != last[0]) {
            last[0] = now;
            last[1] = System.nanoTime();
          }
          return System.nanoTime() - last[1] > Duration.ofMillis(500).toNanos();
        });
    return last[0];
  }

  @Test
  void aRevokedKeyEndsAStream() {
    String key = site.gateway.key(List.of("maria_k"), "elr:read");
    Call<WatchRequest, MemoryItem> call =
        Call.begin(site.with(Map.of("x-api-key", key)), MemoryMethods.WATCH)
            .send(watch("maria_k", 0, 0))
            .end()
            .ask(1);
    call.awaitReplies(1);
    site.gateway.editKey(key, "scopes", "chat:write");
    site.gateway.refreshKeys();
    Site.Failure failure = call.failure();
    assertEquals(Status.Code.PERMISSION_DENIED, failure.status());
    assertEquals("FORBIDDEN", failure.code());
  }
}
