package luki.gateway.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.jwk.ECKey;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;

/** An issuer that is down, slow to change its keys, or flooded with keys that nobody knows. */
class RemoteJwkSetTest {
  private static final ECKey OLD = Forge.ec("old");
  private static final ECKey NEW = Forge.ec("new");

  private final AtomicLong nanos = new AtomicLong();
  private volatile CountDownLatch hold;
  private final AtomicInteger fetches = new AtomicInteger();
  private final AtomicReference<Optional<byte[]>> answer = new AtomicReference<>(set(OLD));
  private final RemoteJwkSet keys =
      new RemoteJwkSet(
          () -> {
            fetches.incrementAndGet();
            CountDownLatch held = hold;
            if (held != null) {
              held.await();
            }
            return answer.get();
          },
          nanos::get);
  private final TokenVerifier verifier = Tokens.verifier(keys, Tokens.NOW);

  private static Optional<byte[]> set(ECKey... published) {
    return Optional.of(Forge.jwks(published).getBytes(StandardCharsets.UTF_8));
  }

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
  }

  private static String by(ECKey key) {
    return Forge.by(key, Forge.json(Forge.claims(Tokens.NOW)));
  }

  @Test
  void whileTheKeysWereNeverLoadedNothingIsAcceptedAndItSaysSo() throws Exception {
    answer.set(Optional.empty());
    keys.load();
    assertTrue(Tokens.verify(verifier, by(OLD)) instanceof TokenVerifier.TokenResult.Unavailable);
    assertEquals(-1, keys.ageSeconds());
    answer.set(set(OLD));
    keys.load();
    assertTrue(Tokens.accepts(verifier, by(OLD)));
    assertTrue(keys.ageSeconds() >= 0);
  }

  @Test
  void beforeTheyAreLoadedAnotherSetDecidesAboutItsOwnTokensOnly() throws Exception {
    TokenVerifier both = verifier.withAlso(JwkSet.ofJwks(set(OLD).orElseThrow()).orElseThrow());
    assertTrue(Tokens.accepts(both, by(OLD)));
    assertTrue(Tokens.verify(both, by(NEW)) instanceof TokenVerifier.TokenResult.Unavailable);
    answer.set(set(NEW));
    assertTrue(keys.load());
    assertTrue(Tokens.accepts(both, by(NEW)));
  }

  @Test
  void aRotatedKeyIsFoundByOneFetch() throws Exception {
    keys.load();
    answer.set(set(OLD, NEW));
    assertTrue(Tokens.accepts(verifier, by(NEW)));
    assertEquals(2, fetches.get());
    assertTrue(Tokens.accepts(verifier, by(OLD)));
    assertEquals(2, fetches.get());
  }

  @Test
  void aKeyWithoutAnIdHidesNoRotation() throws Exception {
    answer.set(set(Forge.ec(null)));
    assertTrue(keys.load());
    answer.set(set(Forge.ec(null), NEW));
    assertTrue(Tokens.accepts(verifier, by(NEW)));
    assertEquals(2, fetches.get());
  }

  @Test
  void aFetchThatFailsSoonAfterOneForAnUnknownKeyCountsAsFailed() throws Exception {
    assertTrue(keys.load());
    assertFalse(Tokens.accepts(verifier, by(NEW)));
    answer.set(Optional.empty());
    assertFalse(keys.load());
  }

  @Test
  void callersWithANewKeyWaitForTheFetchInFlightAndShareIt() throws Exception {
    keys.load();
    answer.set(set(OLD, NEW));
    CountDownLatch release = new CountDownLatch(1);
    hold = release;
    List<Thread> callers = new ArrayList<>();
    AtomicInteger accepted = new AtomicInteger();
    for (int i = 0; i < 8; i++) {
      callers.add(
          Thread.startVirtualThread(
              () -> accepted.addAndGet(Tokens.accepts(verifier, by(NEW)) ? 1 : 0)));
    }
    Waiting.until(
        Duration.ofSeconds(10),
        () -> callers.stream().allMatch(thread -> thread.getState() == Thread.State.WAITING));
    release.countDown();
    for (Thread caller : callers) {
      caller.join();
    }
    assertEquals(8, accepted.get());
    assertEquals(2, fetches.get());
  }

  @Test
  void aFetchThatIsInterruptedKeepsNoOtherCallerFromTheKey() throws Exception {
    keys.load();
    answer.set(set(OLD, NEW));
    hold = new CountDownLatch(1);
    Thread leaving =
        Thread.startVirtualThread(
            () ->
                assertThrows(IllegalStateException.class, () -> Tokens.verify(verifier, by(NEW))));
    Waiting.until(Duration.ofSeconds(10), () -> fetches.get() == 2);
    leaving.interrupt();
    leaving.join();
    hold = null;
    assertTrue(Tokens.accepts(verifier, by(NEW)));
  }

  @Test
  void aKeyThatTheRegularRefreshBringsCostsNoFetchOfItsOwn() throws Exception {
    keys.load();
    answer.set(set(OLD, NEW));
    CountDownLatch release = new CountDownLatch(1);
    hold = release;
    Thread refresh =
        Thread.startVirtualThread(
            () ->
                Forge.unchecked(
                    () -> {
                      keys.load();
                      return 0;
                    }));
    Waiting.until(Duration.ofSeconds(10), () -> fetches.get() == 2);
    AtomicBoolean accepted = new AtomicBoolean();
    Thread caller =
        Thread.startVirtualThread(() -> accepted.set(Tokens.accepts(verifier, by(NEW))));
    Waiting.until(Duration.ofSeconds(10), () -> caller.getState() == Thread.State.WAITING);
    release.countDown();
    refresh.join();
    caller.join();
    assertTrue(accepted.get());
    assertEquals(2, fetches.get());
  }

  @Test
  void tenThousandUnknownKeysCauseOneFetchInThirtySeconds() throws Exception {
    keys.load();
    String forged = by(Forge.ec("nobody"));
    List<Callable<Boolean>> callers = new ArrayList<>();
    for (int i = 0; i < 10_000; i++) {
      callers.add(() -> Tokens.accepts(verifier, forged));
    }
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (var accepted : threads.invokeAll(callers)) {
        assertFalse(accepted.get());
      }
    }
    assertEquals(2, fetches.get());
    pass(Duration.ofSeconds(30));
    assertFalse(Tokens.accepts(verifier, forged));
    assertEquals(3, fetches.get());
  }

  @Test
  void theLastGoodSetServesOnThroughRubbishAndOutagesButADayAtMost() throws Exception {
    keys.load();
    for (String rubbish :
        List.of(
            "",
            "<html>",
            "{\"keys\":[]}",
            "{\"keys\":7}",
            "[]",
            "{\"keys\":[{\"kty\":\"oct\"}]}")) {
      answer.set(Optional.of(rubbish.getBytes(StandardCharsets.UTF_8)));
      keys.load();
      assertTrue(Tokens.accepts(verifier, by(OLD)), rubbish);
    }
    answer.set(Optional.empty());
    pass(Duration.ofHours(24));
    String known = by(OLD);
    assertTrue(Tokens.accepts(verifier, known));
    pass(Duration.ofSeconds(1));
    for (String token : List.of(known, by(OLD))) {
      assertTrue(Tokens.verify(verifier, token) instanceof TokenVerifier.TokenResult.Unavailable);
    }
    answer.set(set(OLD));
    keys.load();
    assertTrue(Tokens.accepts(verifier, known));
  }

  @Test
  void aTokenOfAKeyThatWasTakenAwayIsRefusedThoughItWasKnown() throws Exception {
    keys.load();
    String token = by(OLD);
    assertTrue(Tokens.accepts(verifier, token));
    answer.set(set(NEW));
    keys.load();
    assertFalse(Tokens.accepts(verifier, token));
  }
}
