package luki.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import luki.gateway.testing.RawHttpClient;
import luki.http1.Refusals;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Every message of the corpus, on a socket of its own. */
class CorpusTest {
  private static final Path CORPUS = Path.of("test-fixtures", "http1", "http1-core.json");
  private static final String BEHIND = "GET /behind HTTP/1.1\r\nHost: gw.test\r\n\r\n";
  private static final AtomicInteger BEHINDS = new AtomicInteger();
  private static final List<Case> CASES = new ArrayList<>();
  private static EdgeTestServer server;

  private record Case(String id, String expect, List<Byte> raw) {
    byte[] bytes() {
      byte[] bytes = new byte[raw.size()];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = raw.get(i);
      }
      return bytes;
    }
  }

  @BeforeAll
  static void start() throws IOException {
    for (JsonNode node : new ObjectMapper().readTree(CORPUS.toFile())) {
      List<Byte> raw = new ArrayList<>();
      for (byte b : HexFormat.of().parseHex(node.get("raw_hex").asText())) {
        raw.add(b);
      }
      CASES.add(new Case(node.get("id").asText(), node.get("expect").asText(), raw));
    }
    server = new EdgeTestServer(UsualLimits.edge(), Refusals.BARE, CorpusTest::handle);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static void handle(HttpExchange exchange) throws IOException {
    if (exchange.getRequestURI().getPath().contains("behind")) {
      BEHINDS.incrementAndGet();
    }
    exchange.getRequestBody().readAllBytes();
    int status =
        switch (exchange.getRequestMethod()) {
          case "TRACE" -> 405;
          case "TRACK" -> 501;
          default -> 200;
        };
    exchange.sendResponseHeaders(status, -1);
  }

  /** Statuses of the final replies; the client's half is closed, so that the server closes too. */
  private static List<Integer> statuses(byte[]... pieces) throws IOException {
    try (RawHttpClient client = server.connect()) {
      try {
        for (byte[] piece : pieces) {
          client.send(piece);
        }
        client.socket().shutdownOutput();
      } catch (IOException closedBefore) {
        // Refused before everything was sent: the reply is there all the same.
      }
      List<Integer> statuses = new ArrayList<>();
      String[] replies = client.readToEnd().split("HTTP/1\\.1 ", -1);
      for (int i = 1; i < replies.length; i++) {
        int status = Integer.parseInt(replies[i].substring(0, 3));
        if (status >= 200) {
          statuses.add(status);
        }
      }
      return statuses;
    }
  }

  private static boolean isRefused(List<Integer> statuses) {
    return statuses.isEmpty() || (statuses.size() == 1 && statuses.getFirst() >= 400);
  }

  private static void check(Case message, List<Integer> statuses) {
    String what = message.id() + ": " + statuses;
    switch (message.expect()) {
      case "reject" -> assertTrue(isRefused(statuses), what);
      case "accept" -> assertEquals(List.of(200), statuses, what);
      default -> assertTrue(statuses.size() <= 1, what);
    }
  }

  @Test
  void noMessageIsReadInTwoWays() throws IOException {
    assertTrue(CASES.size() > 100);
    for (Case message : CASES) {
      check(message, statuses(message.bytes()));
    }
  }

  @Test
  void howItsBytesArriveMakesNoDifference() throws IOException {
    Random random = new Random(1);
    for (Case message : CASES) {
      byte[] bytes = message.bytes();
      if (bytes.length < 300) {
        List<byte[]> pieces = new ArrayList<>();
        for (int from = 0; from < bytes.length; ) {
          int to = Math.min(bytes.length, from + 1 + random.nextInt(8));
          pieces.add(Arrays.copyOfRange(bytes, from, to));
          from = to;
        }
        check(message, statuses(pieces.toArray(byte[][]::new)));
      }
    }
  }

  @Test
  void nothingBehindARefusedMessageIsAnswered() throws IOException {
    byte[] behind = BEHIND.getBytes(StandardCharsets.ISO_8859_1);
    for (Case message : CASES) {
      if (message.expect().equals("reject") && !message.id().matches("trace|track")) {
        int before = BEHINDS.get();
        List<Integer> statuses = statuses(message.bytes(), behind);
        assertEquals(before, BEHINDS.get(), message.id());
        assertTrue(isRefused(statuses), message.id() + ": " + statuses);
      }
    }
  }

  @Test
  void aRefusedMessageIsAnsweredAtOnceAndItsConnectionClosed() throws IOException {
    for (Case message : CASES) {
      if (message.expect().equals("reject") && !message.id().matches("trace|track")) {
        try (RawHttpClient client = server.connect()) {
          try {
            client.send(message.bytes());
          } catch (IOException closedBefore) {
            continue;
          }
          String reply = client.readToEnd();
          assertTrue(reply.matches("(?s)HTTP/1.1 [45].*"), message.id() + ": " + reply);
          assertTrue(reply.contains("Connection: close\r\n"), message.id());
        }
      }
    }
  }
}
