package luki.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import luki.gateway.testing.Waiting;
import luki.memory.v1.BatchSearchRequest;
import luki.memory.v1.CountRequest;
import luki.memory.v1.IngestRequest;
import luki.memory.v1.SearchReply;
import luki.memory.v1.SearchRequest;
import luki.memory.v1.Subject;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Unary calls through the door, and who may make them. */
class PassThroughTest {
  private static Site site;

  @BeforeAll
  static void start() {
    site = new Site(Map.of());
  }

  @AfterAll
  static void stop() {
    site.close();
  }

  @BeforeEach
  void reset() {
    site.memory.failure = null;
    site.memory.calls.clear();
    site.memory.heads.clear();
  }

  private static SearchRequest search(String user) {
    return SearchRequest.newBuilder().setUserId(user).setQuery("hiking").build();
  }

  @Test
  void aUnaryCallIsPassedOn() {
    IngestRequest kept =
        IngestRequest.newBuilder().setUserId("maria_k").setText("I like hiking").build();
    String id = Site.call(site.maria("elr:write"), MemoryMethods.INGEST, kept).getId();
    assertTrue(id.startsWith("maria_k_"));
    SearchReply found = Site.call(site.maria("elr:read"), MemoryMethods.SEARCH, search("maria_k"));
    assertEquals("I like hiking", found.getItems(found.getItemsCount() - 1).getText());
  }

  @Test
  void aCallerWithoutACredentialIsRefused() {
    Site.Failure failure = Site.failure(site.stranger(), MemoryMethods.SEARCH, search("maria_k"));
    assertEquals(Status.Code.UNAUTHENTICATED, failure.status());
    assertEquals("UNAUTHENTICATED", failure.code());
    assertEquals(32, failure.traceId().length());
    assertEquals(List.of(), site.memory.calls);
  }

  @Test
  void aMissingScopeIsRefused() {
    Site.Failure failure =
        Site.failure(site.maria("chat:write"), MemoryMethods.SEARCH, search("maria_k"));
    assertEquals(Status.Code.PERMISSION_DENIED, failure.status());
    assertEquals("FORBIDDEN", failure.code());
    assertEquals(List.of(), site.memory.calls);
  }

  @Test
  void anotherUserIsRefused() {
    Site.Failure failure =
        Site.failure(site.maria("elr:read"), MemoryMethods.SEARCH, search("anna"));
    assertEquals(Status.Code.PERMISSION_DENIED, failure.status());
    assertEquals("NOT_OWNER", failure.code());
    BatchSearchRequest nested =
        BatchSearchRequest.newBuilder().setSubject(Subject.newBuilder().setUserId("anna")).build();
    assertEquals(
        "NOT_OWNER",
        Site.failure(site.maria("elr:read"), MemoryMethods.BATCH_SEARCH, nested).code());
    assertEquals(List.of(), site.memory.calls);
  }

  @Test
  void aMessageWithoutAUserIsRefused() {
    Site.Failure failure =
        Site.failure(
            site.maria("elr:read"), MemoryMethods.SEARCH, SearchRequest.getDefaultInstance());
    assertEquals(Status.Code.INVALID_ARGUMENT, failure.status());
    assertEquals("INVALID_REQUEST", failure.code());
    assertTrue(failure.text().contains("/user_id required"), failure.text());
    assertEquals(List.of(), site.memory.calls);
  }

  @Test
  void aMethodWithoutAnOwnerNeedsUsersAny() {
    CountRequest all = CountRequest.getDefaultInstance();
    assertEquals(
        "FORBIDDEN", Site.failure(site.maria("elr:read"), MemoryMethods.COUNT_ALL, all).code());
    assertNotNull(Site.call(site.maria("elr:read", "users:any"), MemoryMethods.COUNT_ALL, all));
  }

  @Test
  void anUnlistedMethodIsUnimplementedAndLogged() {
    var unlisted =
        MemoryMethods.method(
            io.grpc.MethodDescriptor.MethodType.UNARY,
            "DropEverything",
            CountRequest.getDefaultInstance(),
            CountRequest.getDefaultInstance());
    Site.Failure failure =
        Site.failure(
            site.maria("elr:read", "users:any"), unlisted, CountRequest.getDefaultInstance());
    assertEquals(Status.Code.UNIMPLEMENTED, failure.status());
    assertEquals("NOT_FOUND", failure.code());
    String line =
        Waiting.until(
                Duration.ofSeconds(5),
                () ->
                    site.gateway.log().stream()
                        .filter(each -> each.contains("\"route\":\"/{service}/{method}\""))
                        .findFirst(),
                Optional::isPresent)
            .get();
    assertFalse(line.contains("DropEverything"), line);
  }

  @Test
  void aCallIsInTheLogAndTheMetricsLikeAnyOther() {
    SearchReply _ = Site.call(site.maria("elr:read"), MemoryMethods.SEARCH, search("maria_k"));
    Waiting.until(
        Duration.ofSeconds(5),
        () ->
            site.gateway.log().stream()
                .filter(line -> line.contains("\"route\":\"/luki.memory.v1.Memory/Search\""))
                .filter(line -> line.contains("\"upstream\":\"memory\""))
                .anyMatch(line -> line.contains("\"status\":200")));
    String series =
        "http_server_request_duration_seconds_count{http_request_method=\"POST\","
            + "http_response_status_code=\"200\",http_route=\"/luki.memory.v1.Memory/Search\"}";
    Waiting.until(Duration.ofSeconds(5), () -> !site.gateway.metric(series).equals("absent"));
    assertFalse(
        site.gateway
            .metric(
                "luki_gateway_upstream_request_duration_seconds_count"
                    + "{outcome=\"ok\",upstream=\"memory\"}")
            .equals("absent"));
  }

  @Test
  void theListOverHttpHasNoSuchPath() {
    assertEquals(404, site.gateway.stranger().post("/luki.memory.v1.Memory/Search", "{}").status());
    assertFalse(site.gateway.stranger().get("/openapi.json").body().contains("luki.memory"));
  }
}
