package luki.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Waiting;
import luki.http1.PreparedRequest;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Connections: which one is used, for how long, and when one is given up. */
@Timeout(60)
class PoolTest {
  @AutoClose("shutdownNow")
  private final WireClient client = new WireClient(Calls.SETTINGS);

  @Test
  void oneConnectionServesCallAfterCall() throws Exception {
    try (RawUpstream service = RawUpstream.answering(Calls.OK)) {
      for (int i = 0; i < 200; i++) {
        assertEquals("200 hi", Calls.body(client, service));
      }
      assertEquals(1, service.connections());
    }
  }

  @Test
  void aFreshOneIsMadeWhereThatIsAskedFor() throws Exception {
    try (RawUpstream service = RawUpstream.answering(Calls.OK)) {
      assertEquals("200 hi", Calls.body(client, service));
      assertEquals("200 hi", Calls.body(client, Calls.get(service).onFreshConnection()));
      assertEquals(2, service.connections());
    }
  }

  @Test
  void aConnectionThatTheServiceHasClosedIsNoticedBeforeItIsUsed() throws Exception {
    AtomicInteger closed = new AtomicInteger();
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              connection.readRequest();
              connection.send(Calls.OK);
              connection.close();
              closed.incrementAndGet();
            })) {
      for (int i = 0; i < 50; i++) {
        assertEquals("200 hi", Calls.body(client, Calls.post(service, "{}")));
        // Once closing it has returned there, the end is in our socket; then no call may fail.
        int served = i + 1;
        Waiting.until(Duration.ofSeconds(2), () -> closed.get() == served);
      }
    }
  }

  @Test
  void whatIsIdleForLongIsClosed() throws Exception {
    try (RawUpstream service = RawUpstream.answering(Calls.OK)) {
      assertEquals("200 hi", Calls.body(client, service));
      assertEquals(1, client.connections());
      Waiting.until(Duration.ofSeconds(5), () -> client.connections() == 0);
    }
  }

  @Test
  void aReplyThatIsNotReadToItsEndCostsItsConnection() throws Exception {
    try (RawUpstream service = RawUpstream.answeringInTurn(Calls.UNFINISHED)) {
      Calls.send(client, Calls.get(service)).body().close();
      assertEquals(0, client.connections());
    }
  }

  @Test
  void theOneThatWasUsedLastIsUsedFirst() throws Exception {
    AtomicInteger number = new AtomicInteger();
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              int mine = number.incrementAndGet();
              while (true) {
                connection.readRequest();
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + mine);
              }
            })) {
      try (InputStream first = Calls.send(client, Calls.get(service)).body();
          InputStream second = Calls.send(client, Calls.get(service)).body()) {
        String one = new String(first.readAllBytes(), StandardCharsets.US_ASCII);
        String two = new String(second.readAllBytes(), StandardCharsets.US_ASCII);
        assertEquals("200 " + two, Calls.body(client, service));
        assertEquals("200 " + two, Calls.body(client, service));
        assertTrue(!one.equals(two));
      }
    }
  }

  @Test
  void whoWaitsAtTheMaximumGetsTheConnectionThatComesBack() throws Exception {
    try (WireClient narrow = narrow();
        RawUpstream service = RawUpstream.answering(Calls.OK);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<String>> all = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        all.add(threads.submit(() -> Calls.body(narrow, service)));
      }
      for (Future<String> one : all) {
        assertEquals("200 hi", one.get());
      }
      assertEquals(1, service.connections());
    }
  }

  @Test
  void aFreshOneAtTheMaximumTakesTheRoomOfAnIdleOne() throws Exception {
    try (WireClient narrow = narrow();
        RawUpstream service = RawUpstream.answering(Calls.OK)) {
      assertEquals("200 hi", Calls.body(narrow, service));
      assertEquals("200 hi", Calls.body(narrow, Calls.get(service).onFreshConnection()));
      assertEquals(1, narrow.connections());
    }
  }

  private static PreparedRequest shortly(RawUpstream service, Duration limit) {
    return Calls.get(Calls.origin(service), limit);
  }

  /** With one connection at the most. */
  private static WireClient narrow() {
    return new WireClient(
        new WireSettings(
            Duration.ofSeconds(1),
            1,
            1,
            Duration.ofSeconds(10),
            Calls.SETTINGS.silence(),
            Calls.SETTINGS.refreshNames(),
            Calls.SETTINGS.head()));
  }

  @Test
  void beyondTheMaximumACallWaitsAndThenFails() throws Exception {
    try (WireClient narrow = narrow();
        RawUpstream service = RawUpstream.answering(Calls.OK);
        InputStream held = Calls.send(narrow, Calls.get(service)).body()) {
      assertThrows(
          HttpConnectTimeoutException.class,
          () -> Calls.body(narrow, shortly(service, Duration.ofMillis(200))));
      assertEquals(2, held.readAllBytes().length);
    }
  }

  @Test
  void whereNobodyListensNothingWasSentAndTheExceptionSaysSo() {
    for (PreparedRequest.Origin origin :
        List.of(Calls.origin("127.0.0.1", 1), Calls.origin("no-such-host.invalid", 80))) {
      PreparedRequest request = Calls.get(origin, Duration.ofSeconds(5));
      assertThrows(ConnectException.class, () -> Calls.send(client, request));
    }
  }

  @Test
  void limitsEndACallWhereverItIs() throws Exception {
    for (String stall : List.of("", "HTTP/1.1 200 OK\r\nA: ", Calls.UNFINISHED)) {
      try (RawUpstream service = RawUpstream.answeringInTurn(stall)) {
        long began = System.nanoTime();
        IOException late =
            assertThrows(
                IOException.class,
                () -> Calls.body(client, shortly(service, Duration.ofMillis(300))));
        long millis = Duration.ofNanos(System.nanoTime() - began).toMillis();
        assertInstanceOf(HttpTimeoutException.class, late, stall);
        assertTrue(millis >= 290 && millis < 600, millis + " ms after " + stall);
        service.awaitClosed();
        assertEquals(0, client.connections());
      }
    }
  }

  @Test
  void headersThatTrickleEndAtTheSameLimit() {
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              connection.readRequest();
              connection.send("HTTP/1.1 200 OK\r\n");
              for (int i = 0; i < 1000; i++) {
                connection.send("A");
                Thread.sleep(20);
              }
            })) {
      assertThrows(
          HttpTimeoutException.class,
          () -> Calls.body(client, shortly(service, Duration.ofMillis(300))));
    }
  }

  @Test
  void anInterruptEndsACallAndClosesItsConnection() throws Exception {
    try (RawUpstream service = RawUpstream.answeringInTurn("")) {
      FutureTask<String> call = new FutureTask<>(() -> Calls.body(client, service));
      Thread caller = Thread.startVirtualThread(call);
      service.awaitRequests(1);
      caller.interrupt();
      caller.join();
      assertInstanceOf(InterruptedException.class, call.exceptionNow());
      service.awaitClosed();
    }
  }

  @Test
  void manyCallsAtOnceShareNothingButThePool() throws Exception {
    try (RawUpstream service =
            RawUpstream.serving(
                (connection, body) -> {
                  String said = body.substring(body.indexOf("\r\n\r\n") + 4);
                  connection.send(
                      "HTTP/1.1 200 OK\r\nContent-Length: " + said.length() + "\r\n\r\n" + said);
                });
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        String mine = "body of " + i;
        all.add(
            threads.submit(
                () -> {
                  for (int n = 0; n < 50; n++) {
                    assertEquals("200 " + mine, Calls.body(client, Calls.post(service, mine)));
                  }
                  return null;
                }));
      }
      for (Future<?> one : all) {
        one.get();
      }
      assertTrue(service.connections() <= 64, "connections " + service.connections());
      Waiting.until(Duration.ofSeconds(5), () -> client.connections() == 0);
    }
  }

  @Test
  void aNameThatMovesIsFollowedAndWhileItCannotBeLookedUpTheOldOneServes() throws Exception {
    AtomicReference<String> at = new AtomicReference<>("127.0.0.1");
    Addresses.Resolver resolver =
        host -> {
          if (at.get().isEmpty()) {
            throw new UnknownHostException(host);
          }
          return List.of(InetAddress.ofLiteral(at.get()));
        };
    try (WireClient moving = new WireClient(Calls.SETTINGS, null, resolver);
        RawUpstream service = RawUpstream.answering(Calls.OK)) {
      PreparedRequest get =
          Calls.get(Calls.origin("service.test", service.port()), Duration.ofSeconds(10));
      assertEquals("200 hi", Calls.body(moving, get));
      at.set("");
      assertEquals("200 hi", Calls.body(moving, get));
      at.set("127.0.0.9");
      // Nobody listens there: that calls fail shows that the new address is used.
      Waiting.until(
          Duration.ofSeconds(5),
          () -> {
            try {
              Calls.body(moving, get);
              return false;
            } catch (ConnectException moved) {
              return true;
            } catch (IOException | InterruptedException other) {
              throw new AssertionError(other);
            }
          });
    }
  }
}
