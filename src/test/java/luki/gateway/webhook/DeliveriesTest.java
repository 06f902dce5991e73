package luki.gateway.webhook;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import luki.gateway.http.ApiException;
import luki.gateway.http.Dispatcher;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Request;
import luki.gateway.http.Response;
import luki.gateway.http.Route;
import luki.gateway.json.Json;
import luki.gateway.keys.Sealer;
import luki.gateway.testing.TestClock;
import luki.gateway.testing.Waiting;
import luki.http1.ByteBudget;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The schedule of deliveries, with a clock that the test sets. */
@Timeout(60)
class DeliveriesTest {
  private static final Instant BEGIN = Instant.parse("2026-11-01T09:00:00Z");
  private static final String SECRET = Webhook.newSecret(new SecureRandom());

  @TempDir Path directory;
  @AutoClose private final Receivers receiver = new Receivers();

  @AutoClose private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  private final ByteBudget memory = new ByteBudget(1 << 24);
  private final TestClock clock = new TestClock(BEGIN);
  private final SecureRandom random = new SecureRandom();
  private final Sealer sealer = new Sealer(new byte[Sealer.KEY_BYTES], random);
  @AutoClose private Registry registry;
  private Results results;
  private Deliveries deliveries;

  @BeforeEach
  void open() throws Exception {
    registry = open(directory);
    results = registry.results;
    deliveries = deliveries(RandomGenerator.of("L64X128MixRandom"));
    Webhook webhook = Webhook.of("wh_1", "maria", receiver.url(), SECRET, BEGIN);
    put("wh_1", webhook.json());
  }

  private Registry open(Path in) throws Exception {
    return new Registry(in.resolve("hooks"), sealer, random);
  }

  private void put(String id, Json entry) {
    assertEquals(entry, registry.change(id, _ -> entry));
  }

  private Deliveries deliveries(RandomGenerator jitter) {
    Receiver pushes = new Receiver((_, _) -> HttpClient.newHttpClient(), true, clock);
    AccessCheck anything =
        new AccessCheck(
            () -> {
              throw new AssertionError("no consent was needed");
            },
            _ -> Optional.empty(),
            List::of,
            clock);
    return new Deliveries(registry, pushes, anything, memory, threads, jitter);
  }

  private void pending(String id) throws Exception {
    Job job = Job.accepted(id, "maria", "wh_1", "chat", clock.instant());
    byte[] message = "{\"type\":\"job.completed\"}".getBytes(StandardCharsets.UTF_8);
    results.write(id, message);
    put(id, job.pendingUntil(clock.instant(), clock.instant()).json());
  }

  private Json job(String id) {
    return registry.find(id);
  }

  private long attempts(String id) {
    return job(id).at("attempts").integer().orElse(-1);
  }

  /** Runs what is due until the job has had so many attempts. */
  private void attempt(String id, int wanted) {
    Waiting.until(
        () -> {
          deliveries.deliverDue();
          return attempts(id) == wanted;
        });
  }

  @Test
  void aReceiverThatIsDownForAnHourGetsTheResultWhenItIsBack() throws Exception {
    receiver.answer("503 Down");
    pending("job_1");
    attempt("job_1", 1);
    clock.advance(Duration.ofMillis(4900));
    deliveries.deliverDue();
    assertEquals(1, attempts("job_1"), "not before five seconds");
    clock.advance(Duration.ofMillis(400));
    attempt("job_1", 2);
    clock.advance(Duration.ofMinutes(6));
    attempt("job_1", 3);
    clock.advance(Duration.ofMinutes(32));
    attempt("job_1", 4);
    clock.advance(Duration.ofMinutes(22));
    receiver.answer("204 No Content");
    deliveries.deliverDue();
    assertEquals(4, attempts("job_1"), "not before two hours");
    clock.advance(Duration.ofMinutes(110));
    attempt("job_1", 5);
    assertEquals("delivered", job("job_1").at("state").string());
    assertEquals(5, receiver.received().size());
    Waiting.until(() -> results.size("job_1") == 0);
    clock.advance(Duration.ofHours(10));
    deliveries.deliverDue();
    assertEquals(5, receiver.received().size(), "never again after a 2xx");
  }

  @Test
  void afterTheLastAttemptAJobIsDeadAndItsResultErased() throws Exception {
    receiver.answer("500 Oops");
    pending("job_1");
    for (int i = 1; i <= Deliveries.SCHEDULE.size(); i++) {
      attempt("job_1", i);
      clock.advance(Deliveries.SCHEDULE.get(i - 1).multipliedBy(106).dividedBy(100));
    }
    attempt("job_1", Deliveries.SCHEDULE.size() + 1);
    Waiting.until(() -> job("job_1").at("state").string("").equals("dead"));
    assertEquals("not_accepted", job("job_1").at("reason").string());
    Waiting.until(() -> results.size("job_1") == 0);
    assertNull(results.read("job_1"));
    assertEquals(1, deliveries.deadJobs.sum());
    // Its caller can still see that for a day.
    clock.advance(Duration.ofHours(23));
    deliveries.forget();
    assertFalse(job("job_1").isMissing());
    clock.advance(Duration.ofHours(1));
    deliveries.forget();
    assertTrue(job("job_1").isMissing());
  }

  @Test
  void theWholeScheduleIsOverBeforeTheResultIsErased() {
    Duration all = Deliveries.SCHEDULE.stream().reduce(Duration.ZERO, Duration::plus);
    assertTrue(all.multipliedBy(105).dividedBy(100).compareTo(Job.LIFETIME) < 0, all::toString);
  }

  @Test
  void aResultThatIsADayOldIsErasedThoughItsWebhookIsPaused() throws Exception {
    receiver.answer("410 Gone");
    pending("job_1");
    attempt("job_1", 1);
    // The list of attempts is written after the job.
    Waiting.until(() -> new Webhook(registry.find("wh_1")).isPaused());
    clock.advance(Duration.ofHours(20));
    deliveries.deliverDue();
    assertEquals(1, attempts("job_1"), "nothing is pushed to a webhook that is gone");
    clock.advance(Duration.ofHours(4));
    Waiting.until(
        () -> {
          deliveries.deliverDue();
          return job("job_1").at("state").string("").equals("dead");
        });
    assertEquals("expired", job("job_1").at("reason").string());
    Waiting.until(() -> results.size("job_1") == 0);
    assertEquals(1, receiver.received().size());
  }

  @Test
  void afterErasureAnOldCopyOfTheFilesEndCannotBeDecrypted() throws Exception {
    pending("job_1");
    Path file = directory.resolve("hooks.results/job_1");
    Path link = Files.createLink(directory.resolve("copy"), file);
    byte[] before = Files.readAllBytes(link);
    results.erase("job_1");
    byte[] after = Files.readAllBytes(link);
    int key = Sealer.KEY_BYTES + Sealer.OVERHEAD;
    assertEquals(before.length, after.length);
    for (int i = 0; i < key; i++) {
      assertEquals(0, after[i], "the key of the result at " + i);
    }
    Files.move(link, file);
    assertNull(results.read("job_1"), "what is left cannot be read");
  }

  @Test
  void withoutMemoryAResultWaitsAndNoAttemptIsCounted() throws Exception {
    pending("job_1");
    byte[] message =
        ("{\"type\":\"" + "x".repeat(500_000) + "\"}").getBytes(StandardCharsets.UTF_8);
    results.write("job_1", message);
    try (ByteBudget.Lease others = memory.lease()) {
      others.heldBy("maria");
      // Of her share, a quarter of all, there is less left than the result takes.
      assertTrue(others.tryTake(3 << 20));
      Waiting.until(
          () -> {
            deliveries.deliverDue();
            return job("job_1").at("next_attempt_at").string("").contains("09:00:05");
          });
    }
    assertEquals(0, attempts("job_1"));
    clock.advance(Duration.ofSeconds(6));
    attempt("job_1", 1);
    assertEquals("delivered", job("job_1").at("state").string());
  }

  @Test
  void aJobThatHasEndedIsNotEndedOtherwiseByASlowReader() throws Exception {
    pending("job_1");
    Job seen = new Job(job("job_1"));
    attempt("job_1", 1);
    Waiting.until(() -> results.size("job_1") == 0);
    try (ByteBudget.Lease lease = memory.lease()) {
      // It has read that the result waits, and then finds none.
      assertNull(deliveries.open(seen, lease));
    }
    assertEquals(0, deliveries.deadJobs.sum());
    assertEquals("delivered", job("job_1").at("state").string());
  }

  @Test
  void aReceiverThatWasAddedInDevelopmentIsNotCalledInProduction() throws Exception {
    Receiver prod = new Receiver((_, _) -> HttpClient.newHttpClient(), false, clock);
    Webhook webhook = new Webhook(registry.find("wh_1"));
    assertEquals(0, prod.push(webhook, "job_1", new byte[0]).status());
    assertEquals(List.of(), receiver.received());
  }

  private static Job accepted(int i, String owner) {
    return Job.accepted("job_" + i, owner, "wh_1", "chat", BEGIN);
  }

  @Test
  void allCallersTogetherHaveAThousandOpenJobsBesideThoseThatWait() {
    List<Job> open = new ArrayList<>();
    for (int i = 0; i < Jobs.MAX_OPEN; i++) {
      Jobs.limit("maria", open, _ -> false);
      open.add(accepted(i, "owner" + i % 100));
    }
    assertEquals(ErrorCode.OVERLOADED, refusal(open, _ -> false));
    Jobs.limit("maria", open, job -> job.id().equals("job_7"));
    List<Job> own = open.subList(0, Jobs.MAX_OPEN_OF_OWNER).stream().toList();
    List<Job> ofMaria = own.stream().map(job -> accepted(own.indexOf(job), "maria")).toList();
    assertEquals(ErrorCode.RATE_LIMITED, refusal(ofMaria, _ -> true));
  }

  private static ErrorCode refusal(List<Job> open, Predicate<Job> isWaiting) {
    return assertThrows(ApiException.class, () -> Jobs.limit("maria", open, isWaiting))
        .error()
        .code();
  }

  @Test
  void aJobWaitsOnceItsReceiverHasFailedOrIsPaused() throws Exception {
    pending("job_1");
    assertFalse(deliveries.isWaiting(new Job(job("job_1"))));
    receiver.answer("410 Gone");
    attempt("job_1", 1);
    assertTrue(deliveries.isWaiting(new Job(job("job_1"))));
    pending("job_2");
    assertTrue(deliveries.isWaiting(new Job(job("job_2"))), "its webhook is paused");
  }

  @Test
  void ofTooManyTheOldestOfWhoHasMostGo() {
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      jobs.add(accepted(i, i == 0 || i == 9 ? "maria" : "paul"));
    }
    assertEquals(Set.of(), Deliveries.surplus(jobs, 10));
    assertEquals(Set.of("job_1", "job_2", "job_3"), Deliveries.surplus(jobs, 7));
  }

  @Test
  void whereTooManyWaitTheOldestIsDeadAndErased() throws Exception {
    receiver.answer("410 Gone");
    pending("job_0");
    attempt("job_0", 1);
    for (int i = 1; i <= Deliveries.MAX_WAITING; i++) {
      Job job = accepted(i, "maria").pendingUntil(BEGIN, BEGIN);
      put(job.id(), job.json());
    }
    Waiting.until(
        () -> {
          deliveries.deliverDue();
          return job("job_0").at("state").string("").equals("dead");
        });
    Waiting.until(() -> results.size("job_0") == 0);
    deliveries.deliverDue();
    assertEquals(Deliveries.MAX_WAITING, registry.openJobs().size());
  }

  @Test
  void repeatsLeaveSlotsToFirstAttempts() {
    Slots slots = new Slots();
    for (int i = 0; i < 24; i++) {
      assertNull(slots.take("job_" + i, "owner" + i / 4, 24));
    }
    assertEquals(ErrorCode.OVERLOADED, slots.take("job_24", "maria", 24));
    assertNull(slots.take("job_24", "maria", Slots.MAX));
    assertEquals(ErrorCode.RATE_LIMITED, slots.take("job_25", "owner0", Slots.MAX));
    slots.release("job_0");
    assertNull(slots.take("job_25", "owner0", Slots.MAX));
  }

  @Test
  void aResultThatWasLeftBehindIsErasedAndNothingElse() throws Exception {
    String left = "job_" + "0".repeat(32);
    String waiting = "job_" + "1".repeat(32);
    results.write(left, new byte[10]);
    pending(waiting);
    Path other = Files.createDirectory(directory.resolve("hooks.results/lost+found"));
    deliveries.forget();
    assertEquals(List.of(waiting), results.jobs());
    assertTrue(Files.exists(other));
    assertEquals(
        "rwx------",
        PosixFilePermissions.toString(Files.getPosixFilePermissions(other.getParent())));
  }

  @Test
  void aRemovalThatCannotBeWrittenIsNotInForceAndCanBeRepeated() throws Exception {
    Path state = directory.resolve("hooks.states/wh_1");
    Path moved = Files.move(state, directory.resolve("moved"));
    Path blocked = Files.createDirectories(state.resolve("full"));
    UnaryOperator<Json> removal =
        before -> {
          assertFalse(Registry.owned(before, "maria").isMissing());
          return Json.MISSING;
        };
    for (int i = 0; i < 2; i++) {
      ApiException failed =
          assertThrows(ApiException.class, () -> registry.change("wh_1", removal));
      assertEquals(ErrorCode.OVERLOADED, failed.error().code());
      assertFalse(registry.find("wh_1").isMissing());
    }
    assertThrows(ApiException.class, () -> Registry.owned(registry.find("wh_1"), "paul"));
    Files.delete(blocked);
    Files.delete(state);
    Files.move(moved, state);
    assertTrue(registry.change("wh_1", removal).isMissing());
    ApiException gone = assertThrows(ApiException.class, () -> registry.change("wh_1", removal));
    assertEquals(ErrorCode.NOT_FOUND, gone.error().code());
  }

  @Test
  void whatHasHappenedIsWrittenOnceTheDiskCanAgain() throws Exception {
    pending("job_1");
    Path blocked = block("job_1");
    deliveries.deliverDue();
    receiver.await(1);
    deliveries.deliverDue();
    assertEquals("pending", job("job_1").at("state").string());
    assertTrue(results.size("job_1") > 0, "erased before its end is on the disk");
    unblock(blocked);
    Waiting.until(() -> job("job_1").at("state").string("").equals("delivered"));
    Waiting.until(() -> registry.find("wh_1").at("attempts").size() == 1);
    deliveries.deliverDue();
    assertEquals(1, receiver.received().size(), "pushed again");
  }

  /** A directory with something in it, where the next state of a record would be written. */
  private Path block(String id) throws Exception {
    Path next = directory.resolve("hooks.states/" + id + ".new");
    Files.createDirectories(next.resolve("full"));
    return next;
  }

  /** In one step: what writes the state meanwhile removes an empty directory itself. */
  private void unblock(Path blocked) throws Exception {
    Path _ = Files.move(blocked, directory.resolve("unblocked"));
  }

  @Test
  void aSuccessIsStoredThoughTheListOfAttemptsCannotBe() throws Exception {
    pending("job_1");
    Path blocked = block("wh_1");
    deliveries.deliverDue();
    receiver.await(1);
    Waiting.until(() -> job("job_1").at("state").string("").equals("delivered"));
    unblock(blocked);
    Waiting.until(() -> registry.find("wh_1").at("attempts").size() == 1);
  }

  @Test
  void aChangeReplacesTheStateAndARemovalLeavesNone() throws Exception {
    Path states = directory.resolve("hooks.states");
    for (int i = 1; i <= 15; i++) {
      put("job_1", accepted(i, "maria").json());
    }
    assertEquals(Set.of("lock", "wh_1", "job_1"), names(states));
    assertTrue(registry.change("wh_1", _ -> Json.MISSING).isMissing());
    assertEquals(Set.of("lock", "job_1"), names(states));
  }

  private static Set<String> names(Path in) throws Exception {
    try (Stream<Path> files = Files.list(in)) {
      return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
    }
  }

  @Test
  void manyCallsThatAStopInterruptedDelayTheStartLittle() throws Exception {
    int count = 400;
    for (int i = 0; i < count; i++) {
      put("job_" + i, accepted(i, "owner" + i % 50).json());
    }
    Dispatcher nobody =
        new Dispatcher() {
          @Override
          public Response dispatch(Request request, String target, ByteBudget.Lease lease) {
            throw new AssertionError("a call was made again");
          }

          @Override
          public Response dispatch(Request request, Route.Served route, ByteBudget.Lease lease) {
            throw new AssertionError("a call was made again");
          }
        };
    long began = System.nanoTime();
    new Jobs(registry, deliveries, nobody, memory, clock, () -> "", threads).recover();
    Duration took = Duration.ofNanos(System.nanoTime() - began);
    // One after the other each would wait for the log, whose pause is 20 ms.
    assertTrue(took.compareTo(Duration.ofMillis(20).multipliedBy(count)) < 0, took::toString);
    for (Job job : registry.openJobs()) {
      assertEquals(Job.State.PENDING, job.state());
      assertEquals("interrupted", job.json().at("reason").string());
      assertTrue(results.size(job.id()) > 0);
    }
  }

  @Test
  void theRegistryIsTheSameAfterARestart() throws Exception {
    for (int i = 0; i < 20; i++) {
      clock.advance(Duration.ofMillis(1));
      pending("job_" + i);
      Json changed = registry.change("job_" + i, before -> new Job(before).attempted().json());
      assertEquals(1, new Job(changed).attempts());
    }
    assertTrue(registry.change("job_7", _ -> Json.MISSING).isMissing());
    Files.writeString(directory.resolve("hooks.states/job_8.new"), "a crash has left it");
    String all = registry.all(_ -> true).toString();
    registry.close();
    registry = open(directory);
    assertEquals(all, registry.all(_ -> true).toString());
    assertEquals(20, registry.all(_ -> true).size());
    assertFalse(Files.exists(directory.resolve("hooks.states/job_8.new")));
  }
}
