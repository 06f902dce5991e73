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
import java.net.URI;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpTimeoutException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Waiting;
import luki.http1.PreparedRequest;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Opening a connection: names, addresses, handshakes, and what ends them. */
@Timeout(60)
class ConnectingTest {
  private @Nullable WireClient made;

  @AfterEach
  void close() {
    if (made != null) {
      made.shutdownNow();
    }
  }

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

    PreparedRequest.Origin origin() {
      return Calls.origin("127.0.0.1", listener.getLocalPort());
    }

    @Override
    public void close() throws IOException {
      for (SocketChannel waiting : queue) {
        waiting.close();
      }
      listener.close();
    }
  }

  private WireClient connectingWithin(Duration limit) {
    return connectingWithin(limit, Addresses.Resolver.ofSystem());
  }

  private WireClient connectingWithin(Duration limit, Addresses.Resolver resolver) {
    WireClient client =
        new WireClient(Calls.settings(limit, Duration.ofSeconds(10)), null, resolver);
    made = client;
    return client;
  }

  private static PreparedRequest to(PreparedRequest.Origin origin) {
    return Calls.get(origin, Duration.ofSeconds(20));
  }

  private static PreparedRequest toTls(RawUpstream service) {
    return to(new PreparedRequest.Origin(true, "127.0.0.1", service.port()));
  }

  private static long millisSince(long began) {
    return Duration.ofNanos(System.nanoTime() - began).toMillis();
  }

  @Test
  void aConnectThatNeverCompletesEndsAtItsOwnLimit() throws Exception {
    WireClient client = connectingWithin(Duration.ofMillis(300));
    try (Full full = Full.at("127.0.0.1", 0)) {
      long began = System.nanoTime();
      assertThrows(HttpConnectTimeoutException.class, () -> Calls.send(client, to(full.origin())));
      assertTrue(millisSince(began) < 600, millisSince(began) + " ms");
      assertEquals(0, client.connections());
    }
  }

  @Test
  void anAddressThatDoesNotAnswerLeavesTimeForTheNext() throws Exception {
    WireClient client =
        connectingWithin(
            Duration.ofMillis(600),
            _ -> List.of(InetAddress.ofLiteral("127.0.0.2"), InetAddress.ofLiteral("127.0.0.1")));
    try (RawUpstream service = RawUpstream.answering(Calls.OK);
        Full _ = Full.at("127.0.0.2", service.port())) {
      PreparedRequest request = to(Calls.origin("service.test", service.port()));
      assertEquals("200 hi", Calls.body(client, request));
    }
  }

  @Test
  void aNameServerThatIsSlowDoesNotHoldACallUp() throws Exception {
    Semaphore answer = new Semaphore(0);
    AtomicInteger asked = new AtomicInteger();
    Addresses.Resolver slow =
        host -> {
          asked.incrementAndGet();
          answer.acquireUninterruptibly();
          return List.of(InetAddress.ofLiteral("127.0.0.1"));
        };
    WireClient client = connectingWithin(Duration.ofMillis(200), slow);
    try (RawUpstream service = RawUpstream.answering(Calls.OK)) {
      PreparedRequest request = to(Calls.origin("service.test", service.port()));
      for (int i = 0; i < 3; i++) {
        long began = System.nanoTime();
        assertThrows(HttpConnectTimeoutException.class, () -> Calls.send(client, request));
        assertTrue(millisSince(began) < 600, millisSince(began) + " ms");
      }
      assertEquals(1, asked.get(), "one question at a time");
      answer.release(100);
      Waiting.until(
          Duration.ofSeconds(5),
          () -> {
            try {
              return Calls.body(client, request).equals("200 hi");
            } catch (IOException | InterruptedException slowStill) {
              return false;
            }
          });
    } finally {
      answer.release(100);
    }
  }

  @Test
  void aHandshakeThatTricklesEndsAtTheConnectLimit() throws Exception {
    WireClient client = connectingWithin(Duration.ofMillis(300));
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
      long began = System.nanoTime();
      assertThrows(HttpConnectTimeoutException.class, () -> Calls.send(client, toTls(drip)));
      assertTrue(millisSince(began) < 600, millisSince(began) + " ms");
      assertEquals(0, client.connections());
    }
  }

  @Test
  void anInterruptEndsAConnectAsAnInterrupt() throws Exception {
    WireClient client = connectingWithin(Duration.ofSeconds(10));
    try (Full full = Full.at("127.0.0.1", 0);
        RawUpstream mute = RawUpstream.start(c -> c.stallUntilClosed())) {
      for (PreparedRequest request : List.of(to(full.origin()), toTls(mute))) {
        FutureTask<?> call = new FutureTask<>(() -> Calls.send(client, request));
        Thread caller = Thread.startVirtualThread(call);
        Waiting.until(Duration.ofSeconds(5), () -> caller.getState().name().endsWith("WAITING"));
        caller.interrupt();
        caller.join();
        Throwable seen = call.exceptionNow();
        assertInstanceOf(InterruptedException.class, seen, request.origin().toString());
      }
    }
  }

  @Test
  void shutdownNowEndsAConnectThatIsInFlight() throws Exception {
    WireClient client = connectingWithin(Duration.ofSeconds(20));
    try (RawUpstream mute = RawUpstream.start(c -> c.stallUntilClosed())) {
      FutureTask<?> call = new FutureTask<>(() -> Calls.send(client, toTls(mute)));
      Thread caller = Thread.startVirtualThread(call);
      Waiting.until(Duration.ofSeconds(5), () -> mute.connections() == 1);
      client.shutdownNow();
      assertTrue(caller.join(Duration.ofSeconds(5)), "still connecting");
      assertInstanceOf(ConnectException.class, call.exceptionNow());
      assertTrue(client.isTerminated());
    }
  }

  @Test
  void aHostThatCouldBreakTheHeadIsRefused() {
    for (String host : List.of("a\r\nX: y", "a b", "", "a/b", "u@a")) {
      assertThrows(IllegalArgumentException.class, () -> Calls.origin(host, 80));
    }
    URI none = URI.create("http:/path");
    assertThrows(IllegalArgumentException.class, () -> PreparedRequest.Origin.of(none));
  }

  @Test
  void aCallWhoseTimeHasPassedSendsNothing() throws Exception {
    WireClient client = connectingWithin(Duration.ofSeconds(1));
    try (RawUpstream service = RawUpstream.answering(Calls.OK)) {
      assertEquals("200 hi", Calls.body(client, service));
      PreparedRequest past = Calls.get(Calls.origin(service), Duration.ofNanos(-1));
      assertThrows(HttpTimeoutException.class, () -> Calls.send(client, past));
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
      Thread.startVirtualThread(
          () -> {
            try (Socket socket = six.accept()) {
              socket.getOutputStream().write(Calls.OK.getBytes(StandardCharsets.US_ASCII));
              socket.getInputStream().readAllBytes();
            } catch (IOException gone) {
              // The test is over.
            }
          });
      PreparedRequest request = to(Calls.origin("[::1]", six.getLocalPort()));
      assertEquals("200 hi", Calls.body(connectingWithin(Duration.ofSeconds(1)), request));
    }
  }
}
