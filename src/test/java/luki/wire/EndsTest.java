package luki.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Waiting;
import luki.http1.PreparedRequest;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How calls, uploads and clients end, and that nothing of them stays behind. */
@Timeout(60)
class EndsTest {
  @AutoClose("shutdownNow")
  private final WireClient client = new WireClient(Calls.SETTINGS);

  @Test
  void aThreadThatIsInterruptedAlreadyHarmsNoConnection() throws Exception {
    try (RawUpstream service = RawUpstream.answering(Calls.OK)) {
      assertEquals("200 hi", Calls.body(client, service));
      Thread.currentThread().interrupt();
      assertThrows(InterruptedException.class, () -> Calls.body(client, service));
      assertFalse(Thread.interrupted());
      assertEquals("200 hi", Calls.body(client, service));
      assertEquals(1, service.connections());
    }
  }

  @Test
  void closingAReplyOnAnotherThreadEndsItsRead() throws Exception {
    try (RawUpstream service = RawUpstream.answeringInTurn(Calls.UNFINISHED)) {
      InputStream body =
          Calls.send(client, Calls.get(Calls.origin(service), Duration.ofSeconds(30))).body();
      assertEquals(2, body.readNBytes(2).length);
      FutureTask<Integer> read = new FutureTask<>(body::read);
      Thread reader = Thread.ofVirtual().start(read);
      Waiting.until(Duration.ofSeconds(5), () -> reader.getState().name().endsWith("WAITING"));
      body.close();
      assertTrue(reader.join(Duration.ofSeconds(5)));
      assertInstanceOf(IOException.class, read.exceptionNow());
      assertEquals(0, client.connections());
      assertThrows(IOException.class, () -> body.read());
    }
  }

  @Test
  void aBodyThatFallsSilentEndsAsATimeoutAndASlowReaderDoesNot() throws Exception {
    WireSettings impatient = Calls.settings(Duration.ofSeconds(1), Duration.ofMillis(300));
    try (WireClient own = new WireClient(impatient);
        RawUpstream service =
            RawUpstream.start(
                connection -> {
                  connection.readRequest();
                  connection.send(Calls.UNFINISHED);
                  for (int i = 0; i < 4; i++) {
                    Thread.sleep(100);
                    connection.send("!");
                  }
                  connection.stallUntilClosed();
                })) {
      PreparedRequest request = Calls.get(Calls.origin(service), Duration.ofSeconds(30));
      try (InputStream body = Calls.send(own, request).body()) {
        assertEquals(2, body.readNBytes(2).length);
        // What the reader takes for itself is no silence of the service.
        Thread.sleep(500);
        assertEquals(4, body.readNBytes(4).length);
        long began = System.nanoTime();
        assertThrows(HttpTimeoutException.class, () -> body.read());
        long waited = Duration.ofNanos(System.nanoTime() - began).toMillis();
        assertTrue(waited >= 300 && waited < 5000, waited + " ms");
        assertEquals(0, own.connections());
      }
    }
  }

  @Test
  void readingOnAfterTheEndLeavesTheNextCallOnItsConnectionAlone() throws Exception {
    CountDownLatch readAgain = new CountDownLatch(1);
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              connection.readRequest();
              connection.send(Calls.OK);
              connection.readRequest();
              readAgain.await();
              // Longer than the first call had, shorter than the second has.
              Thread.sleep(600);
              connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nho");
              connection.stallUntilClosed();
            })) {
      InputStream first =
          Calls.send(client, Calls.get(Calls.origin(service), Duration.ofMillis(400))).body();
      assertEquals(2, first.readNBytes(2).length);
      FutureTask<String> second = new FutureTask<>(() -> Calls.body(client, service));
      Thread.startVirtualThread(second);
      service.awaitRequests(2);
      assertEquals(-1, first.read());
      readAgain.countDown();
      assertEquals("200 ho", second.get(10, TimeUnit.SECONDS));
      assertEquals(1, service.connections());
    }
  }

  @Test
  void aReaderThatFailsInAnyWayLeavesNoConnectionOpen() {
    try (RawUpstream service = RawUpstream.answeringInTurn(Calls.UNFINISHED, Calls.UNFINISHED)) {
      for (Throwable failure : List.of(new IllegalStateException(), new StackOverflowError())) {
        Throwable seen =
            assertThrows(
                failure.getClass(),
                () -> {
                  try (InputStream body = Calls.send(client, Calls.get(service)).body()) {
                    assertEquals(2, body.readNBytes(2).length);
                    throw failure;
                  }
                });
        assertSame(failure, seen);
        assertEquals(0, client.connections());
      }
    }
  }

  @Test
  void cancellingACallClosesItsConnection() {
    try (RawUpstream service = RawUpstream.answeringInTurn("")) {
      FutureTask<String> call = new FutureTask<>(() -> Calls.body(client, service));
      Thread.startVirtualThread(call);
      service.awaitRequests(1);
      assertTrue(call.cancel(true));
      service.awaitClosed();
    }
  }

  @Test
  void closingEndsCallsInFlightAndThenNothingIsLeft() throws Exception {
    long before = sweepers();
    WireClient mine = new WireClient(Calls.SETTINGS);
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              connection.readRequest();
              connection.stallUntilClosed();
            })) {
      FutureTask<String> call = new FutureTask<>(() -> Calls.body(mine, service));
      Thread caller = Thread.startVirtualThread(call);
      service.awaitRequests(1);
      assertFalse(mine.isTerminated());
      mine.close();
      assertTrue(caller.join(Duration.ofSeconds(5)));
      assertInstanceOf(IOException.class, call.exceptionNow());
      assertThrows(IOException.class, () -> Calls.body(mine, service));
      assertTrue(mine.isTerminated());
      assertEquals(0, mine.connections());
      Waiting.until(Duration.ofSeconds(5), () -> sweepers() <= before);
    }
  }

  private static long sweepers() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("wire-sweeper"))
        .count();
  }
}
