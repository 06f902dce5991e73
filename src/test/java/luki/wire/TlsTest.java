package luki.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import luki.gateway.testing.Waiting;
import luki.http1.PreparedRequest;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** TLS: the certificate must be trusted and the host's own. */
@Timeout(60)
class TlsTest {
  @TempDir static Path directory;
  private static SSLContext context;

  @BeforeAll
  static void makeCertificate() throws Exception {
    context = LocalTls.of("localhost", directory);
  }

  /** Answers each request of a connection; counts connections. */
  private static SSLServerSocket server(AtomicInteger connections, String reply)
      throws IOException {
    SSLServerSocket listener =
        (SSLServerSocket)
            context
                .getServerSocketFactory()
                .createServerSocket(0, 50, InetAddress.ofLiteral("127.0.0.1"));
    Thread.startVirtualThread(
        () -> {
          try {
            while (true) {
              Socket socket = listener.accept();
              connections.incrementAndGet();
              Thread.ofVirtual().start(() -> serve(socket, reply));
            }
          } catch (IOException closed) {
            // The test is over.
          }
        });
    return listener;
  }

  private static void serve(Socket socket, String reply) {
    try (socket) {
      InputStream in = socket.getInputStream();
      StringBuilder head = new StringBuilder();
      for (int b = in.read(); b >= 0; b = in.read()) {
        head.append((char) b);
        if (head.toString().endsWith("\r\n\r\n")) {
          head.setLength(0);
          socket.getOutputStream().write(reply.getBytes(StandardCharsets.US_ASCII));
        }
      }
    } catch (IOException refused) {
      // A client that does not trust it ends the handshake.
    }
  }

  /** Leaves time for handshakes, and keeps a connection that is idle. */
  private static WireClient patient() {
    WireSettings settings =
        new WireSettings(
            Duration.ofSeconds(5),
            8,
            8,
            Duration.ofSeconds(10),
            Calls.SETTINGS.silence(),
            Duration.ofSeconds(10),
            Calls.SETTINGS.head());
    return new WireClient(settings, context, Addresses.Resolver.ofSystem());
  }

  private static String get(WireClient client, PreparedRequest.Origin origin) throws Exception {
    return Calls.body(client, Calls.get(origin, Duration.ofSeconds(10)));
  }

  @Test
  void aTrustedHostIsCalledAndItsConnectionServesAgain() throws Exception {
    AtomicInteger connections = new AtomicInteger();
    try (WireClient client = patient();
        SSLServerSocket listener = server(connections, Calls.OK)) {
      PreparedRequest.Origin origin =
          new PreparedRequest.Origin(true, "localhost", listener.getLocalPort());
      assertEquals("200 hi", get(client, origin));
      assertEquals("200 hi", get(client, origin));
      assertEquals("200 hi", get(client, origin));
      assertEquals(1, connections.get());
    }
  }

  @Test
  void anotherHostsCertificateAndOneThatNobodyTrustsAreRefused() throws Exception {
    try (WireClient trusting =
            new WireClient(Calls.SETTINGS, context, Addresses.Resolver.ofSystem());
        WireClient usual = new WireClient(Calls.SETTINGS);
        SSLServerSocket listener = server(new AtomicInteger(), Calls.OK)) {
      int port = listener.getLocalPort();
      PreparedRequest.Origin wrong = new PreparedRequest.Origin(true, "127.0.0.1", port);
      assertThrows(IOException.class, () -> get(trusting, wrong));
      PreparedRequest.Origin right = new PreparedRequest.Origin(true, "localhost", port);
      assertThrows(IOException.class, () -> get(usual, right));
    }
  }

  @Test
  void bytesAfterAReplyInItsTlsRecordBelongToNobody() throws Exception {
    String large = "x".repeat(12_000);
    AtomicInteger connections = new AtomicInteger();
    String reply = "HTTP/1.1 200 OK\r\nContent-Length: 12000\r\n\r\n" + large;
    String evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    try (WireClient client = patient();
        SSLServerSocket listener = server(connections, reply + evil)) {
      PreparedRequest.Origin origin =
          new PreparedRequest.Origin(true, "localhost", listener.getLocalPort());
      for (int i = 1; i <= 3; i++) {
        PreparedRequest request = Calls.get(origin, Duration.ofSeconds(10));
        try (InputStream body = Calls.send(client, request).body()) {
          byte[] all = new byte[12_000];
          assertEquals(12_000, body.readNBytes(all, 0, 12_000));
          assertEquals(large, new String(all, StandardCharsets.US_ASCII));
        }
        assertEquals(i, connections.get());
      }
    }
  }

  @Test
  void anInterruptEndsAReadAsAnInterrupt() throws Exception {
    try (WireClient client = patient();
        SSLServerSocket listener = server(new AtomicInteger(), "")) {
      PreparedRequest.Origin origin =
          new PreparedRequest.Origin(true, "localhost", listener.getLocalPort());
      FutureTask<String> call = new FutureTask<>(() -> get(client, origin));
      Thread caller = Thread.startVirtualThread(call);
      Waiting.until(
          Duration.ofSeconds(5),
          () -> client.connections() == 1 && caller.getState().name().endsWith("WAITING"));
      caller.interrupt();
      caller.join();
      assertInstanceOf(InterruptedException.class, call.exceptionNow());
      assertEquals(0, client.connections());
    }
  }
}
