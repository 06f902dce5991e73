package luki.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.Waiting;
import luki.http1.ByteBudget;
import luki.http1.Refusals;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Many bad clients at once, while a good one asks for its health and is always told. */
class FloodTest {
  private static final String HEALTH =
      "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  private static final String GET = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final AtomicBoolean over = new AtomicBoolean();
  private Connections connections;
  private EdgeServer server;

  @BeforeEach
  void start() throws IOException {
    EdgeLimits limits = UsualLimits.edge();
    connections = new Connections(limits);
    server =
        new EdgeServer(
            limits,
            EdgeTestServer.echo(),
            Refusals.BARE,
            new ByteBudget(Long.MAX_VALUE),
            System::nanoTime,
            connections);
    server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.start();
  }

  @AfterEach
  void stop() {
    over.set(true);
    threads.shutdownNow();
    server.stop(0);
  }

  private RawHttpClient connect() throws IOException {
    return new RawHttpClient(server.getAddress().getPort());
  }

  private String health() throws IOException {
    return RawHttpClient.readAll(server.getAddress().getPort(), HEALTH);
  }

  /** Asks until the flood is over. How often it was told. */
  private int askForHealth() throws IOException {
    int told = 0;
    while (!over.get()) {
      String answer = health();
      assertTrue(answer.startsWith("HTTP/1.1 200 "), "after " + told + ": " + answer);
      told++;
    }
    return told;
  }

  private void assertNothingIsLeft(Future<Integer> good) throws Exception {
    over.set(true);
    assertTrue(good.get() > 0);
    Waiting.until(PATIENCE, connections::size, open -> open == 0);
    assertTrue(health().endsWith("GET /healthz "));
  }

  @Test
  void fiveThousandThatConnectAndLeaveInTheMiddleOfAnythingLeaveNoConnection() throws Exception {
    Future<Integer> good = threads.submit(this::askForHealth);
    List<String> begun = List.of("", "G", "GET / HTTP/1.1\r\nHost: h\r\nX: ", GET + GET);
    for (int i = 0; i < 5000; i++) {
      try (RawHttpClient client = connect()) {
        client.send(begun.get(i % begun.size()));
        // An end for the half of each kind, a reset for the other.
        if (i / begun.size() % 2 == 0) {
          client.socket().setSoLinger(true, 0);
        }
      }
    }
    assertNothingIsLeft(good);
  }

  /** A head without end that does not begin before all the others do. */
  private String bomb(CountDownLatch all, String begun, String piece) throws Exception {
    try (RawHttpClient client = connect()) {
      client.send(begun);
      all.countDown();
      all.await();
      client.sendAsFarAsTaken(
          piece.repeat(1024 * 1024 / piece.length()).getBytes(StandardCharsets.US_ASCII));
      return client.readToEnd();
    }
  }

  @Test
  void aHundredHeadersOfAMegabyteAtOnceAreRefusedOneByOne() throws Exception {
    Future<Integer> good = threads.submit(this::askForHealth);
    String head = "GET / HTTP/1.1\r\nHost: h\r\n";
    CountDownLatch all = new CountDownLatch(100);
    List<Future<String>> oneLine = new ArrayList<>();
    List<Future<String>> manyLines = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      oneLine.add(threads.submit(() -> bomb(all, head + "X: ", "x")));
      manyLines.add(threads.submit(() -> bomb(all, head, "X: y\r\n")));
    }
    assertEquals(List.of(), notRefused(oneLine));
    assertEquals(List.of(), notRefused(manyLines));
    assertNothingIsLeft(good);
  }

  private static List<String> notRefused(List<Future<String>> answers)
      throws ExecutionException, InterruptedException {
    List<String> others = new ArrayList<>();
    for (Future<String> answer : answers) {
      if (!answer.get().startsWith("HTTP/1.1 431 ")) {
        others.add(answer.get());
      }
    }
    return others;
  }
}
