package luki.gateway.rollout;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import luki.gateway.http.ApiError;
import luki.gateway.http.Deadline;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Ids;
import luki.gateway.http.Method;
import luki.gateway.http.Principal;
import luki.gateway.http.Query;
import luki.gateway.http.Request;
import luki.gateway.http.Route;
import luki.gateway.http.Upstream;
import luki.gateway.http.UpstreamVersion;
import luki.gateway.observe.Metrics;
import luki.gateway.rollout.RolloutState.Cause;
import luki.gateway.rollout.RolloutState.Share;
import luki.gateway.testing.Waiting;
import luki.http1.ByteBudget;
import luki.http1.Fields;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two versions beside the stable one, in simulated time. */
class RolloutAbortTest {
  private static final UpstreamVersion CANARY = new UpstreamVersion("canary");
  private static final UpstreamVersion GREEN = new UpstreamVersion("green");
  private static final Duration SOON = Duration.ofSeconds(20);

  @TempDir Path directory;
  private final AtomicLong nanos = new AtomicLong();
  private RolloutFile file;
  private Rollouts all;
  private Rollout rollout;

  @BeforeEach
  void start() {
    file = new RolloutFile(directory.resolve("rollout.json"));
    all = new Rollouts(file, new Metrics("test"), Clock.systemUTC(), nanos::get);
    rollout = all.of(Upstream.AGENT);
  }

  private void set(UpstreamVersion version, int percent) throws IOException {
    Map<UpstreamVersion, Share> change = Map.of(version, new Share(percent, 0));
    RolloutState _ =
        file.change(
            Upstream.AGENT, before -> before.with(change, Cause.SET, "tester", Instant.now()));
    all.refresh();
  }

  private static Exchange exchange(String caller) {
    Request.Input empty = new Request.Input(InputStream.nullInputStream(), 0);
    Ids ids = new Ids(() -> new Random(1));
    return new Exchange(
            ids.requestId(Fields.NONE),
            ids.trace(Fields.NONE),
            Instant.EPOCH,
            0,
            new Request(Method.GET, Query.NONE, Fields.NONE, empty, "", () -> {}),
            new Route.Refused(Method.GET, null, ApiError.of(ErrorCode.NOT_FOUND), null),
            Map.of(),
            ByteBudget.unlimited(),
            Exchange.Resolved.nothing(Deadline.after(SOON)))
        .as(new Principal.Key(caller, caller, "o", Set.of(), Principal.Users.only(Set.of()), null));
  }

  /** Two calls of each of twenty callers. */
  private void calls(UpstreamVersion version, boolean fail) {
    for (int i = 0; i < 40; i++) {
      Exchange exchange = exchange(version.name() + i % 20);
      rollout
          .member(version)
          .ended(Method.GET, exchange, fail ? ErrorCode.DOWNSTREAM_ERROR : null, 1_000_000);
    }
  }

  /** The first call after five seconds brings the verdicts. */
  private void judge() {
    nanos.addAndGet(Duration.ofSeconds(6).toNanos());
    rollout.member(UpstreamVersion.STABLE).ended(Method.GET, exchange("stable0"), null, 1_000_000);
  }

  private RolloutState written() throws IOException {
    return file.read().getOrDefault(Upstream.AGENT, RolloutState.NONE);
  }

  @Test
  void twoBadVersionsLoseTheirCallersWithTheSameCallAndForGood() throws Exception {
    set(CANARY, 30);
    set(GREEN, 30);
    calls(UpstreamVersion.STABLE, false);
    calls(CANARY, true);
    calls(GREEN, true);
    judge();
    assertEquals(Share.NOTHING, rollout.share(CANARY));
    assertEquals(Share.NOTHING, rollout.share(GREEN));
    Waiting.until(() -> written().stable() == 100);
    all.refresh();
    assertEquals(Share.NOTHING, rollout.share(CANARY));
    assertEquals(Share.NOTHING, rollout.share(GREEN));
  }

  @Test
  void aChangeOfOneShareKeepsWhatWasSeenOfTheOtherVersion() throws Exception {
    set(CANARY, 30);
    calls(UpstreamVersion.STABLE, false);
    calls(CANARY, true);
    set(GREEN, 10);
    judge();
    assertEquals(Share.NOTHING, rollout.share(CANARY));
    assertEquals(new Share(10, 0), rollout.share(GREEN));
    Waiting.until(() -> written().of(CANARY).equals(Share.NOTHING));
    assertEquals(new Share(10, 0), written().of(GREEN));
  }

  @Test
  void aVersionWhoseOwnShareIsChangedIsComparedAnew() throws Exception {
    set(CANARY, 30);
    calls(UpstreamVersion.STABLE, false);
    calls(CANARY, true);
    set(CANARY, 40);
    judge();
    assertEquals(new Share(40, 0), rollout.share(CANARY));
  }
}
