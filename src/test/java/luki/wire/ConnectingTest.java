package luki.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpTimeoutException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import luki.gateway.standin.RawConnection;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Waiting;
import luki.http1.Fields;
import luki.http1.RawClient;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Until a connection stands: names, addresses, handshakes, and what ends them. */
@Timeout(60)
class ConnectingTest {
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

  @AutoClose("shutdownNow")
  private final WireClient client = new WireClient(Calls.SETTINGS);

  /** Listens but never accepts, its queue full, so that a further connect gets no answer. */
  private record Full(ServerSocket listener, List<SocketChannel> queue) implements AutoCloseable {
    static Full at(String address, int port) throws IOException {
      ServerSocket listener = new ServerSocket(port, 1, InetAddress.ofLiteral(address));
      List<SocketChannel> queue = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        SocketChannel waiting = SocketChannel.open();
        waiting.configureBlocking(false);
        waiting.connect(new InetSocketAddress(address, listener.getLocalPort()));
        queue.add(waiting);
      }
      return new Full(listener, queue);
    }

    RawClient.Origin origin() {
      return new RawClient.Origin(false, "127.0.0.1", listener.getLocalPort());
    }

    @Override
    public void close() throws IOException {
      for (SocketChannel waiting : queue) {
        waiting.close();
      }
      listener.close();
    }
  }

  private static RawClient.Limits connectWithin(Duration connect) {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    return new RawClient.Limits(connect.toNanos(), end, end, false);
  }

  private static long millisSince(long began) {
    return Duration.ofNanos(System.nanoTime() - began).toMillis();
  }

  @Test
  void aConnectThatNeverCompletesEndsAtItsOwnLimit() throws Exception {
    try (Full full = Full.at("127.0.0.1", 0)) {
      long began = System.nanoTime();
      assertThrows(
          HttpConnectTimeoutException.class,
          () -> client.call(full.origin(), Calls.get(), connectWithin(Duration.ofMillis(300))));
      assertTrue(millisSince(began) < 600, millisSince(began) + " ms");
      assertEquals(0, client.connections());
    }
  }

  @Test
  void anAddressThatDoesNotAnswerLeavesTimeForTheNext() throws Exception {
    Resolver both =
        _ -> List.of(InetAddress.ofLiteral("127.0.0.2"), InetAddress.ofLiteral("127.0.0.1"));
    WireClient named = new WireClient(Calls.SETTINGS, null, both, System::nanoTime);
    try (RawUpstream service = RawUpstream.start(ConnectingTest::serve);
        Full _ = Full.at("127.0.0.2", service.port())) {
      RawClient.Origin origin = new RawClient.Origin(false, "service.test", service.port());
      try (RawClient.Reply reply =
          named.call(origin, Calls.get(), connectWithin(Duration.ofMillis(600)))) {
        assertEquals(200, reply.status());
      }
    } finally {
      named.shutdownNow();
    }
  }

  private static void serve(RawConnection connection) throws IOException {
    while (true) {
      connection.readRequest();
      connection.send(OK);
    }
  }

  @Test
  void aNameServerThatIsSlowDoesNotHoldACallUp() throws Exception {
    Semaphore answer = new Semaphore(0);
    AtomicInteger asked = new AtomicInteger();
    Resolver slow =
        host -> {
          asked.incrementAndGet();
          answer.acquireUninterruptibly();
          return List.of(InetAddress.ofLiteral("127.0.0.1"));
        };
    WireClient named = new WireClient(Calls.SETTINGS, null, slow, System::nanoTime);
    try (RawUpstream service = RawUpstream.start(ConnectingTest::serve)) {
      RawClient.Origin origin = new RawClient.Origin(false, "service.test", service.port());
      for (int i = 0; i < 3; i++) {
        long began = System.nanoTime();
        assertThrows(
            HttpConnectTimeoutException.class,
            () -> named.call(origin, Calls.get(), connectWithin(Duration.ofMillis(200))));
        assertTrue(millisSince(began) < 600, millisSince(began) + " ms");
      }
      assertEquals(1, asked.get(), "one question at a time");
      answer.release(100);
      try (RawClient.Reply reply =
          named.call(origin, Calls.get(), connectWithin(Duration.ofSeconds(1)))) {
        assertEquals(200, reply.status());
      }
    } finally {
      answer.release(100);
      named.shutdownNow();
    }
  }

  @Test
  void aHandshakeThatTricklesEndsAtTheConnectLimit() throws Exception {
    try (RawUpstream drip =
        RawUpstream.start(
            connection -> {
              // The head of a TLS record, and then its bytes one by one.
              connection.send(new byte[] {22, 3, 3, 64, 0});
              for (int i = 0; i < 400; i++) {
                connection.send(new byte[] {2});
                Thread.sleep(25);
              }
            })) {
      RawClient.Origin origin = new RawClient.Origin(true, "127.0.0.1", drip.port());
      long began = System.nanoTime();
      assertThrows(
          HttpConnectTimeoutException.class,
          () -> client.call(origin, Calls.get(), connectWithin(Duration.ofMillis(300))));
      assertTrue(millisSince(began) < 600, millisSince(began) + " ms");
      assertEquals(0, client.connections());
    }
  }

  @Test
  void anInterruptEndsAConnectAsAnInterrupt() throws Exception {
    try (Full full = Full.at("127.0.0.1", 0);
        RawUpstream mute = RawUpstream.start(c -> c.stallUntilClosed())) {
      RawClient.Origin handshake = new RawClient.Origin(true, "127.0.0.1", mute.port());
      for (RawClient.Origin origin : List.of(full.origin(), handshake)) {
        AtomicReference<Throwable> seen = new AtomicReference<>();
        CountDownLatch running = new CountDownLatch(1);
        Thread caller =
            Thread.ofVirtual()
                .start(
                    () -> {
                      try {
                        running.countDown();
                        client
                            .call(origin, Calls.get(), connectWithin(Duration.ofSeconds(10)))
                            .close();
                      } catch (IOException | InterruptedException ended) {
                        seen.set(ended);
                      }
                    });
        running.await();
        Waiting.until(Duration.ofSeconds(5), () -> caller.getState().name().endsWith("WAITING"));
        caller.interrupt();
        caller.join();
        assertInstanceOf(InterruptedException.class, seen.get(), origin.toString());
      }
    }
  }

  @Test
  void shutdownNowEndsAConnectThatIsUnderWay() throws Exception {
    try (RawUpstream mute = RawUpstream.start(c -> c.stallUntilClosed())) {
      RawClient.Origin handshake = new RawClient.Origin(true, "127.0.0.1", mute.port());
      AtomicReference<Throwable> seen = new AtomicReference<>();
      Thread caller =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      client
                          .call(handshake, Calls.get(), connectWithin(Duration.ofSeconds(30)))
                          .close();
                    } catch (IOException | InterruptedException ended) {
                      seen.set(ended);
                    }
                  });
      Waiting.until(Duration.ofSeconds(5), () -> mute.connections() == 1);
      client.shutdownNow();
      assertTrue(caller.join(Duration.ofSeconds(5)), "still connecting");
      assertInstanceOf(ConnectException.class, seen.get());
      assertTrue(client.isTerminated());
    }
  }

  @Test
  void aHostThatCouldBreakTheHeadIsRefused() {
    for (String host : List.of("a\r\nX: y", "a b", "", "a/b", "u@a")) {
      RawClient.Origin origin = new RawClient.Origin(false, host, 80);
      assertThrows(
          IllegalArgumentException.class,
          () -> client.call(origin, Calls.get(), connectWithin(Duration.ofSeconds(1))));
    }
  }

  @Test
  void aCallWhoseTimeHasPassedSendsNothing() throws Exception {
    try (RawUpstream service = RawUpstream.start(ConnectingTest::serve)) {
      assertEquals("200 hi", Calls.body(client, service));
      long past = System.nanoTime() - 1;
      assertThrows(
          HttpTimeoutException.class,
          () ->
              client.call(
                  Calls.origin(service),
                  Calls.get(),
                  new RawClient.Limits(1_000_000_000L, past, past, false)));
      assertEquals(1, service.requests().size());
      assertEquals(1, client.connections());
    }
  }

  @Test
  void anIpv6AddressIsCalledAsItStandsInAUri() throws Exception {
    ServerSocket listener = null;
    try {
      listener = new ServerSocket(0, 5, InetAddress.ofLiteral("::1"));
    } catch (IOException none) {
      Assumptions.abort("no IPv6 here");
    }
    try (ServerSocket six = listener) {
      Thread.ofVirtual()
          .start(
              () -> {
                try (Socket socket = six.accept()) {
                  socket.getOutputStream().write(OK.getBytes(StandardCharsets.US_ASCII));
                  socket.getInputStream().readAllBytes();
                } catch (IOException gone) {
                  // The test is over.
                }
              });
      RawClient.Origin origin = new RawClient.Origin(false, "[::1]", six.getLocalPort());
      RawClient.Request request = new RawClient.Request("GET", "/", Fields.NONE, new byte[0]);
      try (RawClient.Reply reply =
          client.call(origin, request, connectWithin(Duration.ofSeconds(1)))) {
        assertEquals(200, reply.status());
      }
    }
  }
}
