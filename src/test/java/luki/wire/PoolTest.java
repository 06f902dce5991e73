package luki.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Waiting;
import luki.http1.Fields;
import luki.http1.RawClient;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Connections: which one is used, for how long, and when one is given up. */
@Timeout(60)
class PoolTest {
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

  @AutoClose("shutdownNow")
  private final WireClient client = new WireClient(Calls.SETTINGS);

  private static RawUpstream steady() {
    return RawUpstream.start(
        connection -> {
          while (true) {
            connection.readRequest();
            connection.send(OK);
          }
        });
  }

  @Test
  void oneConnectionServesCallAfterCall() throws Exception {
    try (RawUpstream service = steady()) {
      for (int i = 0; i < 200; i++) {
        assertEquals("200 hi", Calls.body(client, service));
      }
      assertEquals(1, service.connections());
    }
  }

  @Test
  void aFreshOneIsMadeWhereThatIsAskedFor() throws Exception {
    try (RawUpstream service = steady()) {
      assertEquals("200 hi", Calls.body(client, service));
      long end = System.nanoTime() + 1_000_000_000L;
      RawClient.Limits fresh = new RawClient.Limits(1_000_000_000L, end, end, true);
      assertEquals("200 hi", Calls.body(client, service, Calls.get(), fresh));
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
              connection.send(OK);
              connection.close();
              closed.incrementAndGet();
            })) {
      for (int i = 0; i < 50; i++) {
        assertEquals("200 hi", Calls.body(client, service, Calls.post("{}"), soon()));
        // Once closing it has returned there, the end is in our socket; then no call may fail.
        int served = i + 1;
        Waiting.until(Duration.ofSeconds(2), () -> closed.get() == served);
      }
    }
  }

  private static RawClient.Limits soon() {
    return Calls.within(Duration.ofSeconds(5));
  }

  @Test
  void whatIsIdleForLongIsClosed() throws Exception {
    try (RawUpstream service = steady()) {
      assertEquals("200 hi", Calls.body(client, service));
      assertEquals(1, client.connections());
      Waiting.until(Duration.ofSeconds(5), () -> client.connections() == 0);
    }
  }

  @Test
  void aReplyThatIsNotReadToItsEndCostsItsConnection() throws Exception {
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              connection.readRequest();
              connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi");
              connection.stallUntilClosed();
            })) {
      client.call(Calls.origin(service), Calls.get(), soon()).close();
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
      try (RawClient.Reply first = client.call(Calls.origin(service), Calls.get(), soon());
          RawClient.Reply second = client.call(Calls.origin(service), Calls.get(), soon())) {
        String one = new String(first.body().readAllBytes(), StandardCharsets.US_ASCII);
        String two = new String(second.body().readAllBytes(), StandardCharsets.US_ASCII);
        assertEquals("200 " + two, Calls.body(client, service));
        assertEquals("200 " + two, Calls.body(client, service));
        assertTrue(!one.equals(two));
      }
    }
  }

  @Test
  void whoWaitsAtTheMaximumGetsTheConnectionThatComesBack() throws Exception {
    WireClient narrow = new WireClient(narrow());
    try (RawUpstream service = steady();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<String>> all = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        all.add(threads.submit(() -> Calls.body(narrow, service)));
      }
      for (Future<String> one : all) {
        assertEquals("200 hi", one.get());
      }
      assertEquals(1, service.connections());
    } finally {
      narrow.shutdownNow();
    }
  }

  @Test
  void aFreshOneAtTheMaximumTakesTheRoomOfAnIdleOne() throws Exception {
    WireClient narrow = new WireClient(narrow());
    try (RawUpstream service = steady()) {
      assertEquals("200 hi", Calls.body(narrow, service));
      long end = System.nanoTime() + 1_000_000_000L;
      RawClient.Limits fresh = new RawClient.Limits(1_000_000_000L, end, end, true);
      assertEquals("200 hi", Calls.body(narrow, service, Calls.get(), fresh));
      assertEquals(1, narrow.connections());
    } finally {
      narrow.shutdownNow();
    }
  }

  private static WireSettings narrow() {
    return new WireSettings(
        Duration.ofSeconds(1),
        1,
        1,
        Duration.ofSeconds(10),
        Calls.SETTINGS.silence(),
        Calls.SETTINGS.lookAgain(),
        Calls.SETTINGS.head());
  }

  @Test
  void beyondTheMaximumACallWaitsAndThenFails() throws Exception {
    WireClient narrow = new WireClient(narrow());
    try (RawUpstream service = steady();
        RawClient.Reply held = narrow.call(Calls.origin(service), Calls.get(), soon())) {
      assertEquals(200, held.status());
      assertThrows(
          HttpConnectTimeoutException.class,
          () -> Calls.body(narrow, service, Calls.get(), Calls.within(Duration.ofMillis(200))));
    } finally {
      narrow.shutdownNow();
    }
  }

  @Test
  void whereNobodyListensNothingWasSentAndTheExceptionSaysSo() {
    RawClient.Origin nobody = new RawClient.Origin(false, "127.0.0.1", 1);
    assertThrows(ConnectException.class, () -> client.call(nobody, Calls.get(), soon()));
    RawClient.Origin unknown = new RawClient.Origin(false, "no-such-host.invalid", 80);
    assertThrows(ConnectException.class, () -> client.call(unknown, Calls.get(), soon()));
  }

  @Test
  void limitsEndACallWhereverItIs() throws Exception {
    List<String> stalls =
        List.of("", "HTTP/1.1 200 OK\r\nA: ", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi");
    for (String stall : stalls) {
      AtomicBoolean closed = new AtomicBoolean();
      try (RawUpstream service =
          RawUpstream.start(
              connection -> {
                connection.readRequest();
                connection.send(stall);
                connection.stallUntilClosed();
                closed.set(true);
              })) {
        long began = System.nanoTime();
        IOException late =
            assertThrows(
                IOException.class,
                () ->
                    Calls.body(client, service, Calls.get(), Calls.within(Duration.ofMillis(300))));
        long millis = Duration.ofNanos(System.nanoTime() - began).toMillis();
        assertInstanceOf(HttpTimeoutException.class, late, stall);
        assertTrue(millis >= 290 && millis < 600, millis + " ms after " + stall);
        Waiting.until(Duration.ofSeconds(2), closed::get);
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
          () -> Calls.body(client, service, Calls.get(), Calls.within(Duration.ofMillis(300))));
    }
  }

  @Test
  void anInterruptEndsACallAndClosesItsConnection() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    AtomicBoolean closed = new AtomicBoolean();
    AtomicReference<Throwable> seen = new AtomicReference<>();
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              connection.readRequest();
              asked.countDown();
              connection.stallUntilClosed();
              closed.set(true);
            })) {
      Thread caller =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      Calls.body(client, service);
                    } catch (IOException | InterruptedException ended) {
                      seen.set(ended);
                    }
                  });
      asked.await();
      caller.interrupt();
      caller.join();
      assertInstanceOf(InterruptedException.class, seen.get());
      Waiting.until(Duration.ofSeconds(2), closed::get);
    }
  }

  @Test
  void manyCallsAtOnceShareNothingButThePool() throws Exception {
    try (RawUpstream service =
            RawUpstream.start(
                connection -> {
                  while (true) {
                    String body = connection.readRequest();
                    String said = body.substring(body.indexOf("\r\n\r\n") + 4);
                    connection.send(
                        "HTTP/1.1 200 OK\r\nContent-Length: " + said.length() + "\r\n\r\n" + said);
                  }
                });
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        String mine = "body of " + i;
        all.add(
            threads.submit(
                () -> {
                  for (int n = 0; n < 50; n++) {
                    assertEquals(
                        "200 " + mine, Calls.body(client, service, Calls.post(mine), soon()));
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
    Resolver resolver =
        host -> {
          if (at.get().isEmpty()) {
            throw new UnknownHostException(host);
          }
          return List.of(InetAddress.ofLiteral(at.get()));
        };
    WireClient moving = new WireClient(Calls.SETTINGS, null, resolver, System::nanoTime);
    try (RawUpstream service = steady()) {
      RawClient.Origin origin = new RawClient.Origin(false, "service.test", service.port());
      RawClient.Request get = new RawClient.Request("GET", "/", Fields.NONE, new byte[0]);
      try (RawClient.Reply reply = moving.call(origin, get, soon())) {
        assertEquals("hi", new String(reply.body().readAllBytes(), StandardCharsets.US_ASCII));
      }
      at.set("");
      try (RawClient.Reply reply = moving.call(origin, get, soon())) {
        assertEquals("hi", new String(reply.body().readAllBytes(), StandardCharsets.US_ASCII));
      }
      at.set("127.0.0.9");
      // Nobody listens there: that calls fail shows that the new address is used.
      Waiting.until(
          Duration.ofSeconds(5),
          () -> {
            try (RawClient.Reply reply = moving.call(origin, get, soon())) {
              reply.body().readAllBytes();
              return false;
            } catch (ConnectException moved) {
              return true;
            } catch (IOException | InterruptedException other) {
              throw new AssertionError(other);
            }
          });
    } finally {
      moving.shutdownNow();
    }
  }
}
