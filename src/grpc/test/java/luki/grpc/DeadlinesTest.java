package luki.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.CallOptions;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import luki.gateway.testing.TestGateway;
import luki.memory.v1.SearchReply;
import luki.memory.v1.SearchRequest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Deadlines, statuses and metadata on their way through. */
class DeadlinesTest {
  private static final SearchRequest SEARCH =
      SearchRequest.newBuilder().setUserId("maria_k").setQuery("hiking").build();
  private static Site site;

  @BeforeAll
  static void start() {
    site =
        new Site(
            TestGateway.builder()
                .yaml("    request: []", "    request: [x-client-version, x-trace-bin]")
                .yaml("    reply: []", "    reply: [x-index-age]")
                .yaml(
                    "GetContext:\n      {downstream: memory,",
                    "GetContext:\n      {downstream: memory, deadline: 700ms,"));
  }

  @AfterAll
  static void stop() {
    site.close();
  }

  @BeforeEach
  void reset() {
    site.memory.failure = null;
    site.memory.silent = false;
    site.memory.heads.clear();
    site.memory.deadlines.clear();
  }

  private static Call<SearchRequest, SearchReply> search(
      Map<String, String> metadata, long millis) {
    Map<String, String> all = new java.util.HashMap<>(metadata);
    all.put("x-api-key", site.gateway.key(List.of("maria_k"), "elr:read"));
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(millis, TimeUnit.MILLISECONDS);
    return Call.begin(site.with(all), MemoryMethods.SEARCH, options).send(SEARCH).end().ask(2);
  }

  @Test
  void theDeadlineOfTheRouteBoundsTheOneOfTheClient() {
    assertEquals(Status.Code.OK, search(Map.of(), 60_000).failure().status());
    long forwarded = site.memory.deadlines.getFirst();
    assertTrue(forwarded > 5_000 && forwarded <= 10_000, "ms: " + forwarded);
  }

  @Test
  void aShorterDeadlineOfTheClientIsForwardedShrunk() {
    assertEquals(Status.Code.OK, search(Map.of(), 4_000).failure().status());
    long forwarded = site.memory.deadlines.getFirst();
    assertTrue(forwarded > 500 && forwarded <= 4_000, "ms: " + forwarded);
  }

  @Test
  void aSilentServiceIsATimeout() {
    site.memory.silent = true;
    Site.Failure failure =
        Site.failure(
            site.maria("elr:read"),
            MemoryMethods.GET_CONTEXT,
            luki.memory.v1.ContextRequest.newBuilder()
                .setSubject(luki.memory.v1.Subject.newBuilder().setUserId("maria_k"))
                .build());
    assertEquals(Status.Code.DEADLINE_EXCEEDED, failure.status());
    assertEquals("DOWNSTREAM_TIMEOUT", failure.code());
  }

  @Test
  void aClientsOwnDeadlineEndsTheCall() {
    site.memory.silent = true;
    int before = site.memory.cancelled.get();
    assertEquals(Status.Code.DEADLINE_EXCEEDED, search(Map.of(), 700).failure().status());
    luki.gateway.testing.Waiting.until(
        java.time.Duration.ofSeconds(10), () -> site.memory.cancelled.get() > before);
  }

  @Test
  void statusesOfAServiceArePassedWithoutItsTexts() {
    Map<Status.Code, Status.Code> expected = new EnumMap<>(Status.Code.class);
    Map<Status.Code, String> codes = new EnumMap<>(Status.Code.class);
    for (Status.Code same :
        List.of(
            Status.Code.INVALID_ARGUMENT,
            Status.Code.FAILED_PRECONDITION,
            Status.Code.OUT_OF_RANGE)) {
      expected.put(same, same);
      codes.put(same, "DOWNSTREAM_REJECTED");
    }
    expected.put(Status.Code.NOT_FOUND, Status.Code.NOT_FOUND);
    codes.put(Status.Code.NOT_FOUND, "NOT_FOUND");
    for (Status.Code conflict : List.of(Status.Code.ALREADY_EXISTS, Status.Code.ABORTED)) {
      expected.put(conflict, conflict);
      codes.put(conflict, "DOWNSTREAM_CONFLICT");
    }
    expected.put(Status.Code.RESOURCE_EXHAUSTED, Status.Code.RESOURCE_EXHAUSTED);
    codes.put(Status.Code.RESOURCE_EXHAUSTED, "DOWNSTREAM_BUSY");
    expected.put(Status.Code.DEADLINE_EXCEEDED, Status.Code.DEADLINE_EXCEEDED);
    codes.put(Status.Code.DEADLINE_EXCEEDED, "DOWNSTREAM_TIMEOUT");
    for (Status.Code away : List.of(Status.Code.UNAVAILABLE, Status.Code.CANCELLED)) {
      expected.put(away, Status.Code.UNAVAILABLE);
      codes.put(away, "DOWNSTREAM_UNAVAILABLE");
    }
    for (Status.Code refused :
        List.of(Status.Code.UNAUTHENTICATED, Status.Code.PERMISSION_DENIED)) {
      expected.put(refused, Status.Code.INTERNAL);
      codes.put(refused, "DOWNSTREAM_REFUSED");
    }
    for (Status.Code defect :
        List.of(
            Status.Code.UNKNOWN,
            Status.Code.INTERNAL,
            Status.Code.DATA_LOSS,
            Status.Code.UNIMPLEMENTED)) {
      expected.put(defect, Status.Code.INTERNAL);
      codes.put(defect, "DOWNSTREAM_ERROR");
    }
    assertEquals(Status.Code.values().length - 1, expected.size());
    expected.forEach(
        (of, passed) -> {
          site.memory.failure = of.toStatus().withDescription("psycopg2: /srv/memory/db.py");
          Site.Failure failure = search(Map.of(), 20_000).failure();
          assertEquals(passed, failure.status(), of.name());
          assertEquals(codes.get(of), failure.code(), of.name());
          assertFalse(failure.text().contains("psycopg2"), failure.text());
          assertNull(failure.trailers().get(MemoryStandIn.SECRET));
          assertEquals(32, failure.traceId().length());
        });
  }

  @Test
  void onlyListedMetadataOfAServiceReachesTheClient() {
    Call<SearchRequest, SearchReply> call = search(Map.of(), 20_000);
    assertEquals(Status.Code.OK, call.failure().status());
    assertEquals("3", call.head.get(MemoryStandIn.INDEX_AGE));
    assertNull(call.head.get(MemoryStandIn.SECRET));
    assertNotNull(call.head.get(Site.TRACE_ID));
    assertNotNull(call.head.get(Site.text("x-request-id")));
  }

  @Test
  void identityMetadataOfAClientIsNeverForwarded() {
    Map<String, String> sent =
        Map.of(
            "x-user-id", "anna",
            "x-scopes", "users:any",
            "x-internal-secret", "guess",
            "x-forwarded-user", "anna",
            "cookie", "session=1",
            "x-client-version", "7",
            "x-other", "1",
            "x-request-id", "my-id",
            "traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    assertEquals(Status.Code.OK, search(sent, 20_000).failure().status());
    Metadata head = site.memory.heads.getFirst();
    for (String name :
        List.of(
            "x-user-id",
            "x-scopes",
            "x-internal-secret",
            "x-forwarded-user",
            "cookie",
            "x-other",
            "x-api-key")) {
      assertNull(head.get(Site.text(name)), name);
    }
    assertEquals("7", head.get(Site.text("x-client-version")));
    assertEquals("my-id", head.get(Site.text("x-request-id")));
    assertTrue(head.get(Site.AUTHORIZATION).startsWith("Bearer ey"));
    String trace = head.get(Site.text("traceparent"));
    assertTrue(trace.contains("4bf92f3577b34da6a3ce929d0e0e4736"), trace);
    assertFalse(trace.contains("00f067aa0ba902b7"), trace);
    assertEquals("luki-gateway", head.get(Site.text("user-agent")).split(" ", 2)[0]);
  }

  @Test
  void metadataThatNamesACallerCannotBeListed() {
    for (String name :
        List.of(
            "authorization",
            "x-user-id",
            "x-scopes",
            "x-internal-secret",
            "x-forwarded-for",
            "grpc-timeout",
            "grpc-status-details-bin",
            "cookie",
            "X-Client",
            "traceparent",
            "")) {
      assertFalse(MetadataRules.mayPass(name), name);
    }
    assertTrue(MetadataRules.mayPass("x-client-version"));
  }
}
