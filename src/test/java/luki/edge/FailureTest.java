package luki.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import luki.http1.BadMessage;
import luki.http1.BadMessage.Reason;
import luki.http1.Refusals;
import org.junit.jupiter.api.Test;

/** Handlers that fail never make half of a reply look whole. */
class FailureTest {
  private static final String GET = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  private static final byte[] PART = "part".getBytes(StandardCharsets.US_ASCII);

  private final AtomicInteger refusals = new AtomicInteger();

  private String answer(String request, HttpHandler handler) throws IOException {
    Refusals counting =
        (exchange, reason) -> {
          refusals.incrementAndGet();
          EdgeTestServer.answer(exchange, reason.status(), reason.toString());
        };
    try (EdgeTestServer server = new EdgeTestServer(UsualLimits.edge(), counting, handler)) {
      return server.ask(request);
    }
  }

  @Test
  void anExceptionBeforeTheHeadIs500() throws IOException {
    String answer =
        answer(
            GET + GET,
            _ -> {
              throw new IllegalStateException("secret");
            });
    assertTrue(answer.startsWith("HTTP/1.1 500 Internal Server Error\r\n"), answer);
    assertTrue(answer.endsWith(Reason.FAILED.toString()), answer);
    assertFalse(answer.contains("secret"), answer);
    assertEquals(1, refusals.get());
  }

  @Test
  void aHandlerThatForgetsToReplyIs500() throws IOException {
    assertTrue(answer(GET, _ -> {}).startsWith("HTTP/1.1 500 "));
  }

  @Test
  void aHandlersOwnFailureToReadElsewhereIs500AndNotTheClients() throws IOException {
    String answer =
        answer(
            GET,
            _ -> {
              throw new BadMessage(Reason.CHUNK);
            });
    assertTrue(answer.startsWith("HTTP/1.1 500 "), answer);
  }

  private static void begin(HttpExchange exchange) throws IOException {
    exchange.sendResponseHeaders(200, 0);
    exchange.getResponseBody().write(PART);
    exchange.getResponseBody().flush();
  }

  @Test
  void anExceptionWithinAChunkedBodyLeavesItWithoutItsLastChunk() throws IOException {
    String answer =
        answer(
            GET + GET,
            exchange -> {
              begin(exchange);
              throw new IOException("the source broke");
            });
    assertTrue(answer.contains("\r\n\r\n4\r\npart\r\n"), answer);
    assertFalse(answer.contains("0\r\n\r\n"), answer);
    assertEquals(0, refusals.get());
  }

  @Test
  void closingAnExchangeEarlyLeavesItWithoutItsLastChunk() throws IOException {
    String answer =
        answer(
            GET,
            exchange -> {
              begin(exchange);
              exchange.close();
            });
    assertFalse(answer.contains("0\r\n\r\n"), answer);
  }

  @Test
  void aBodyThatEndsWithItsConnectionIsResetWhenItIsGivenUp() throws IOException {
    String answer =
        answer(
            "GET /a HTTP/1.0\r\n\r\n",
            exchange -> {
              begin(exchange);
              throw new IOException("the source broke");
            });
    assertTrue(answer.endsWith("(reset)"), answer);
  }

  @Test
  void tooFewBytesCloseTheConnection() throws IOException {
    String answer =
        answer(
            GET + GET,
            exchange -> {
              exchange.sendResponseHeaders(200, 10);
              OutputStream body = exchange.getResponseBody();
              body.write(PART);
              body.flush();
              body.close();
            });
    assertTrue(answer.endsWith("part") || answer.endsWith("(reset)"), answer);
    assertEquals(2, answer.split("HTTP/1.1", -1).length);
  }

  @Test
  void tooManyBytesAreNotSent() throws IOException {
    String answer =
        answer(
            GET,
            exchange -> {
              exchange.sendResponseHeaders(200, 2);
              exchange.getResponseBody().write(PART);
            });
    assertFalse(answer.contains("part"), answer);
  }

  @Test
  void aLineBreakInAHeaderIsNotSent() throws IOException {
    String answer =
        answer(
            GET,
            exchange -> {
              exchange.getResponseHeaders().set("X-A", "b\u0001c");
              exchange.sendResponseHeaders(200, -1);
            });
    assertTrue(answer.startsWith("HTTP/1.1 500 "), answer);
  }

  @Test
  void aBodyThatIsRefusedWhileItIsReadIsAnsweredOnce() throws IOException {
    String post = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    String unhandled = answer(post + "x\r\n" + GET, EdgeTestServer.echo());
    assertTrue(unhandled.startsWith("HTTP/1.1 400 "), unhandled);
    assertEquals(1, refusals.get());
    String handled =
        answer(
            post + "x\r\n" + GET,
            exchange -> {
              try {
                exchange.getRequestBody().readAllBytes();
              } catch (IOException bad) {
                exchange.sendResponseHeaders(422, -1);
              }
            });
    assertTrue(handled.startsWith("HTTP/1.1 422 "), handled);
    assertTrue(handled.contains("Connection: close\r\n"), handled);
    assertEquals(2, handled.split("HTTP/1.1", -1).length, handled);
    assertEquals(1, refusals.get());
  }
}
