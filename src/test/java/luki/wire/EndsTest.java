package luki.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Waiting;
import luki.http1.PreparedRequest;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How calls, uploads and clients end, and that nothing of them stays behind. */
@Timeout(60)
class EndsTest {
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

  @AutoClose("shutdownNow")
  private final WireClient client = new WireClient(Calls.SETTINGS);

  private static HttpRequest.Builder to(RawUpstream service) {
    return HttpRequest.newBuilder(URI.create(service.url() + "/"));
  }

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
  void aThreadThatIsInterruptedAlreadyHarmsNoConnection() throws Exception {
    try (RawUpstream service = steady()) {
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
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              connection.readRequest();
              connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi");
              connection.stallUntilClosed();
            })) {
      InputStream body =
          Calls.send(client, Calls.get(Calls.origin(service), Duration.ofSeconds(30))).body();
      AtomicReference<Throwable> seen = new AtomicReference<>();
      CountDownLatch begun = new CountDownLatch(1);
      Thread reader =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      assertEquals(2, body.readNBytes(2).length);
                      begun.countDown();
                      int _ = body.read();
                    } catch (IOException ended) {
                      seen.set(ended);
                    }
                  });
      begun.await();
      body.close();
      assertTrue(reader.join(Duration.ofSeconds(5)));
      assertInstanceOf(IOException.class, seen.get());
      assertEquals(0, client.connections());
      assertThrows(IOException.class, () -> body.read());
    }
  }

  @Test
  void aBodyThatFallsSilentEndsAsATimeoutAndASlowReaderDoesNot() throws Exception {
    WireSettings impatient = Calls.SETTINGS.withSilence(Duration.ofMillis(300));
    WireClient own = new WireClient(impatient);
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              connection.readRequest();
              connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi");
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
    } finally {
      own.shutdownNow();
    }
  }

  @Test
  void readingOnAfterTheEndLeavesTheNextCallOnItsConnectionAlone() throws Exception {
    CountDownLatch readAgain = new CountDownLatch(1);
    CountDownLatch asked = new CountDownLatch(1);
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              connection.readRequest();
              connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
              connection.readRequest();
              asked.countDown();
              readAgain.await();
              // Longer than the first call had, shorter than the second has.
              Thread.sleep(600);
              connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nho");
              connection.stallUntilClosed();
            })) {
      InputStream first =
          Calls.send(client, Calls.get(Calls.origin(service), Duration.ofMillis(400))).body();
      assertEquals(2, first.readNBytes(2).length);
      AtomicReference<String> second = new AtomicReference<>();
      Thread caller =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      second.set(Calls.body(client, service));
                    } catch (IOException | InterruptedException failed) {
                      second.set(failed.toString());
                    }
                  });
      asked.await();
      assertEquals(-1, first.read());
      readAgain.countDown();
      assertTrue(caller.join(Duration.ofSeconds(10)));
      assertEquals("200 ho", second.get());
      assertEquals(1, service.connections());
    }
  }

  @Test
  void aHandlerThatFailsInAnyWayLeavesNoConnectionOpen() throws Exception {
    try (RawUpstream service = steady()) {
      assertThrows(
          IOException.class,
          () ->
              client.send(
                  to(service).build(),
                  _ -> {
                    throw new IllegalStateException("handler");
                  }));
      assertEquals(0, client.connections());
      CompletableFuture<HttpResponse<String>> sent =
          client.sendAsync(
              to(service).build(),
              _ -> {
                throw new StackOverflowError();
              });
      assertThrows(ExecutionException.class, () -> sent.get(5, TimeUnit.SECONDS));
      assertEquals(0, client.connections());
    }
  }

  @Test
  void cancellingWhatSendAsyncGaveClosesTheConnection() {
    AtomicBoolean closed = new AtomicBoolean();
    CountDownLatch asked = new CountDownLatch(1);
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              connection.readRequest();
              asked.countDown();
              connection.stallUntilClosed();
              closed.set(true);
            })) {
      CompletableFuture<HttpResponse<String>> sent =
          client.sendAsync(to(service).build(), HttpResponse.BodyHandlers.ofString());
      Waiting.until(Duration.ofSeconds(5), () -> asked.getCount() == 0);
      assertTrue(sent.cancel(true));
      Waiting.until(Duration.ofSeconds(5), closed::get);
    }
  }

  @Test
  void shutdownLetsCallsInFlightEndAndThenNothingIsLeft() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    long before = sweepers();
    WireClient mine = new WireClient(Calls.SETTINGS);
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              connection.readRequest();
              asked.countDown();
              goOn.await();
              connection.send(OK);
              connection.stallUntilClosed();
            })) {
      CompletableFuture<HttpResponse<String>> sent =
          mine.sendAsync(to(service).build(), HttpResponse.BodyHandlers.ofString());
      asked.await();
      mine.shutdown();
      assertFalse(mine.isTerminated());
      assertThrows(IOException.class, () -> Calls.body(mine, service));
      goOn.countDown();
      assertEquals("hi", sent.get(5, TimeUnit.SECONDS).body());
      assertTrue(mine.awaitTermination(Duration.ofSeconds(5)));
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
