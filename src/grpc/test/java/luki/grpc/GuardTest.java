package luki.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Channel;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import luki.memory.v1.SearchReply;
import luki.memory.v1.SearchRequest;
import luki.memory.v1.SessionRequest;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A service that fails is left alone for a while, and no caller takes all of its places. */
@Timeout(90)
class GuardTest {
  private static final Duration SOON = Duration.ofSeconds(15);
  private static final SearchRequest SEARCH =
      SearchRequest.newBuilder().setUserId("maria_k").setQuery("hiking").build();

  @AutoClose
  private final Site site =
      new Site(
          TestGateway.builder()
              .yaml("  open: 2s", "  open: 1s")
              .yaml("  at_least: 8", "  at_least: 2")
              .yaml(
                  "    total: 10s\n    max_concurrent: 512",
                  "    total: 10s\n    max_concurrent: 8"));

  private List<Channel> callers(int count) {
    List<Channel> callers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      callers.add(site.maria("elr:read", "elr:write"));
    }
    return callers;
  }

  private Site.Failure search(Channel caller) {
    return Site.failure(caller, MemoryMethods.SEARCH, SEARCH);
  }

  private void fail(Status status, int callers) {
    site.memory.failure = status;
    List<Channel> all = callers(callers);
    for (int i = 0; i < 20; i++) {
      search(all.get(i % all.size()));
    }
  }

  @Test
  void aMethodThatFailsIsNotCalledForAWhileAndThenAgain() {
    fail(Status.INTERNAL, 4);
    Channel caller = callers(1).getFirst();
    int before = site.memory.calls.size();
    Site.Failure refused = search(caller);
    assertEquals("DOWNSTREAM_CIRCUIT_OPEN", refused.code());
    assertEquals(Status.Code.UNAVAILABLE, refused.status());
    assertEquals(before, site.memory.calls.size());
    String open = site.gateway.metric("luki_gateway_circuit_open{upstream=\"memory\"}");
    assertEquals("1.0", open);

    // Only this method failed.
    site.memory.failure = null;
    SessionRequest session = SessionRequest.newBuilder().setUserId("maria_k").build();
    Site.call(caller, MemoryMethods.START_SESSION, session);
    Waiting.until(SOON, () -> answers(caller));
  }

  private boolean answers(Channel caller) {
    try {
      SearchReply _ = Site.call(caller, MemoryMethods.SEARCH, SEARCH);
      return true;
    } catch (io.grpc.StatusRuntimeException refused) {
      return false;
    }
  }

  @Test
  void errorsOfTheRequestAndOfOneCallerAloneOpenNothing() {
    fail(Status.NOT_FOUND, 4);
    fail(Status.INVALID_ARGUMENT, 4);
    fail(Status.INTERNAL, 1);
    site.memory.failure = null;
    assertTrue(answers(callers(1).getFirst()));
  }

  @Test
  void aServiceThatCannotBeReachedIsNotTriedOnAndOn() {
    site.memory.close();
    Channel caller = callers(1).getFirst();
    Waiting.until(SOON, () -> search(caller).code().equals("DOWNSTREAM_CIRCUIT_OPEN"));
  }

  @Test
  void noCallerTakesAllPlacesAndOneWhoLeavesGivesHisBack() {
    site.memory.silent = true;
    Channel greedy = callers(1).getFirst();
    List<Call<SearchRequest, SearchReply>> open = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      open.add(Call.begin(greedy, MemoryMethods.SEARCH).send(SEARCH).end().ask(2));
    }
    Waiting.until(SOON, () -> open.stream().anyMatch(call -> call.status != null));
    Call<SearchRequest, SearchReply> refused =
        open.stream().filter(call -> call.status != null).findFirst().orElseThrow();
    assertEquals("RATE_LIMITED", refused.failure().code());
    int before = site.memory.calls.size();
    Call<SearchRequest, SearchReply> other =
        Call.begin(callers(1).getFirst(), MemoryMethods.SEARCH).send(SEARCH).end().ask(2);
    Waiting.until(SOON, () -> site.memory.calls.size() > before);
    open.forEach(each -> each.call.cancel("left", null));
    other.call.cancel("left", null);
    site.memory.silent = false;
    Waiting.until(SOON, () -> answers(greedy));
    // Who left says nothing about the service.
    assertEquals("0.0", site.gateway.metric("luki_gateway_circuit_open{upstream=\"memory\"}"));
  }
}
