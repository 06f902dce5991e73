package luki.gateway.consent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import luki.gateway.http.Deadline;
import luki.gateway.http.UserId;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.Client;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;

/** Equal questions in flight share one call; answers are kept only when a setting says so. */
class ConsentSharingTest {
  private static final String SEARCH = "{\"user_id\":\"maria_k\",\"query\":\"garden\"}";
  private static final String OTHER = "{\"user_id\":\"bob\",\"query\":\"garden\"}";

  private static long asked(StandIns services) {
    return services.seen("security").stream()
        .filter(seen -> seen.path().startsWith("/pol"))
        .count();
  }

  private static Client client(TestGateway gateway) {
    return new Client(gateway, gateway.key(List.of("maria_k", "bob"), "elr:read"));
  }

  @Test
  void withoutTheSettingEachRequestAsksAgain() {
    try (StandIns services = StandIns.start();
        TestGateway gateway = TestGateway.start(services.urls())) {
      services.grant("maria_k", "elr_memories");
      Client client = client(gateway);
      client.post("/v1/elr/search", SEARCH).expect(200);
      client.post("/v1/elr/search", SEARCH).expect(200);
      assertEquals(2, asked(services));
    }
  }

  @Test
  void withTheSettingAYesAndANoAreKeptForTheirOwnUserAlone() {
    try (StandIns services = StandIns.start();
        TestGateway gateway =
            TestGateway.builder().with(services.urls()).with("CONSENT_CACHE_S", "30").start()) {
      services.grant("maria_k", "elr_memories");
      Client client = client(gateway);
      for (int i = 0; i < 3; i++) {
        client.post("/v1/elr/search", SEARCH).expect(200);
        assertEquals("CONSENT_DENIED", client.post("/v1/elr/search", OTHER).code());
      }
      assertEquals(2, asked(services));
    }
  }

  @Test
  void equalQuestionsThatAreUnderWayShareOneCall() throws Exception {
    CountDownLatch answer = new CountDownLatch(1);
    try (Fixture fixture =
            Fixture.with(
                "SECURITY_URL",
                (connection, _) -> {
                  answer.await();
                  connection.reply("200 OK", "{\"allowed\":true}");
                });
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      TestGateway gateway = fixture.gateway();
      Client client = client(gateway);
      List<Future<Integer>> statuses = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        statuses.add(threads.submit(() -> client.post("/v1/elr/search", SEARCH).status()));
      }
      Waiting.until(
          Duration.ofSeconds(5),
          () -> gateway.metric("http_server_active_requests").matches("21(\\.0)?"));
      answer.countDown();
      for (Future<Integer> status : statuses) {
        assertEquals(200, status.get());
      }
      int questions = fixture.faultyCalls().size();
      assertTrue(questions <= 2, "asked " + questions + " times");
    }
  }

  @Test
  void anAnswerFromBeforeAChangeIsNeitherCachedNorSharedAfterIt() throws Exception {
    ConsentCache answers = new ConsentCache(Duration.ofMinutes(1), System::nanoTime);
    UserId maria = new UserId("maria_k");
    ConsentCache.Question question =
        new ConsentCache.Question(maria, List.of("elr_memories"), "search");
    Deadline limit = Deadline.after(Duration.ofSeconds(30));
    Consent.Answer yes = new Consent.Answer(Consent.ConsentStatus.ALLOWED, Instant.EPOCH);
    Consent.Answer no = new Consent.Answer(Consent.ConsentStatus.DENIED, Instant.EPOCH);
    Consent.Answer asked =
        answers.get(
            question,
            limit,
            () -> {
              answers.forget(maria);
              // Not shared: this would wait for the answer that is in flight.
              assertEquals(no, answers.get(question, limit, () -> no));
              return yes;
            });
    assertEquals(yes, asked);
    assertEquals(no, answers.get(question, limit, () -> no));
  }

  @Test
  void whoeverWaitsAsksAnewWhenTheOneWhoAskedGaveUp() throws Exception {
    ConsentCache answers = new ConsentCache(Duration.ZERO, System::nanoTime);
    ConsentCache.Question question =
        new ConsentCache.Question(new UserId("maria_k"), List.of("elr_memories"), "search");
    CountDownLatch asking = new CountDownLatch(1);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Consent.Answer> first =
          threads.submit(
              () ->
                  answers.get(
                      question,
                      Deadline.after(Duration.ofSeconds(30)),
                      () -> {
                        asking.countDown();
                        new CountDownLatch(1).await();
                        throw new AssertionError("was to be interrupted");
                      }));
      asking.await();
      Consent.Answer yes = new Consent.Answer(Consent.ConsentStatus.ALLOWED, Instant.EPOCH);
      Future<Consent.Answer> second =
          threads.submit(
              () -> answers.get(question, Deadline.after(Duration.ofSeconds(30)), () -> yes));
      assertTrue(first.cancel(true));
      assertEquals(yes, second.get());
    }
  }
}
