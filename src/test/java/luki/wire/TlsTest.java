package luki.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.TrustManagerFactory;
import luki.http1.RawClient;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** TLS: the certificate must be trusted and the host's own. */
@Timeout(60)
class TlsTest {
  private static final char[] PASSWORD = "only for this run".toCharArray();

  @TempDir static Path directory;
  private static SSLContext context;

  @BeforeAll
  static void makeCertificate() throws Exception {
    Path store = directory.resolve("keys.p12");
    String tool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
    Process made =
        new ProcessBuilder(
                tool,
                "-genkeypair",
                "-keystore",
                store.toString(),
                "-storetype",
                "PKCS12",
                "-storepass",
                new String(PASSWORD),
                "-keyalg",
                "EC",
                "-dname",
                "CN=localhost",
                "-ext",
                "san=dns:localhost")
            .redirectErrorStream(true)
            .start();
    assertEquals(0, made.waitFor());
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, PASSWORD);
    }
    KeyManagerFactory managers =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(keys, PASSWORD);
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(keys);
    context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), trust.getTrustManagers(), null);
  }

  /** Answers each request of a connection; counts connections. */
  private static SSLServerSocket server(AtomicInteger connections) throws IOException {
    SSLServerSocket listener =
        (SSLServerSocket)
            context
                .getServerSocketFactory()
                .createServerSocket(0, 50, InetAddress.ofLiteral("127.0.0.1"));
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                while (true) {
                  Socket socket = listener.accept();
                  connections.incrementAndGet();
                  Thread.ofVirtual().start(() -> serve(socket));
                }
              } catch (IOException closed) {
                // The test is over.
              }
            });
    return listener;
  }

  private static void serve(Socket socket) {
    try (socket) {
      InputStream in = socket.getInputStream();
      StringBuilder head = new StringBuilder();
      for (int b = in.read(); b >= 0; b = in.read()) {
        head.append((char) b);
        if (head.toString().endsWith("\r\n\r\n")) {
          head.setLength(0);
          socket
              .getOutputStream()
              .write(
                  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
                      .getBytes(StandardCharsets.US_ASCII));
        }
      }
    } catch (IOException refused) {
      // A client that does not trust it ends the handshake.
    }
  }

  private static String get(WireClient client, RawClient.Origin origin) throws Exception {
    try (RawClient.Reply reply =
        client.call(origin, Calls.get(), Calls.within(Duration.ofSeconds(10)))) {
      return new String(reply.body().readAllBytes(), StandardCharsets.US_ASCII);
    }
  }

  @Test
  void aTrustedHostIsCalledAndItsConnectionServesAgain() throws Exception {
    AtomicInteger connections = new AtomicInteger();
    WireSettings patient =
        new WireSettings(
            Duration.ofSeconds(5),
            8,
            8,
            Duration.ofSeconds(10),
            Duration.ofSeconds(10),
            Calls.SETTINGS.head());
    WireClient client = new WireClient(patient, context);
    try (SSLServerSocket listener = server(connections)) {
      RawClient.Origin origin = new RawClient.Origin(true, "localhost", listener.getLocalPort());
      assertEquals("hi", get(client, origin));
      assertEquals("hi", get(client, origin));
      assertEquals("hi", get(client, origin));
      assertEquals(1, connections.get());
    } finally {
      client.shutdownNow();
    }
  }

  @Test
  void anotherHostsCertificateAndOneThatNobodyTrustsAreRefused() throws Exception {
    WireClient trusting = new WireClient(Calls.SETTINGS, context);
    WireClient usual = new WireClient(Calls.SETTINGS);
    try (SSLServerSocket listener = server(new AtomicInteger())) {
      int port = listener.getLocalPort();
      RawClient.Origin wrong = new RawClient.Origin(true, "127.0.0.1", port);
      assertThrows(IOException.class, () -> get(trusting, wrong));
      RawClient.Origin right = new RawClient.Origin(true, "localhost", port);
      assertThrows(IOException.class, () -> get(usual, right));
    } finally {
      trusting.shutdownNow();
      usual.shutdownNow();
    }
  }
}
