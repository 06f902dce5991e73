package luki.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.Flow;
import java.util.stream.Stream;
import luki.gateway.standin.RawUpstream;
import luki.http1.PreparedRequest;
import luki.http1.TimedBody;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Calls that the JDK's interface allows and the gateway never makes: nothing of them is sent. */
@Timeout(60)
class OtherCallsTest {
  private static final TimedBody STREAM = new TimedBody(PreparedRequest.NEVER);

  @AutoClose("shutdownNow")
  private final WireClient client = new WireClient(Calls.SETTINGS);

  @AutoClose private final RawUpstream service = RawUpstream.answering(Calls.OK);

  /** Changes a request that is a POST so far. */
  interface Kind {
    HttpRequest.Builder of(HttpRequest.Builder request);
  }

  private static final Flow.Publisher<ByteBuffer> NEVER_ASKED =
      _ -> {
        throw new AssertionError("it was subscribed to");
      };

  static Stream<Named<Kind>> kinds() {
    return Stream.of(
        Named.of("without a body", request -> request.GET()),
        Named.of("of an empty body", request -> request.POST(BodyPublishers.noBody())),
        Named.of("of a text", request -> request.POST(BodyPublishers.ofString("hello"))),
        Named.of("of bytes", request -> request.POST(BodyPublishers.ofByteArray(new byte[3]))),
        Named.of(
            "of a stream",
            request ->
                request.POST(
                    BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(new byte[3])))),
        Named.of(
            "of an unknown length",
            request -> request.POST(BodyPublishers.fromPublisher(NEVER_ASKED))),
        Named.of(
            "of a declared length",
            request -> request.POST(BodyPublishers.fromPublisher(NEVER_ASKED, 4_000_000_000L))),
        Named.of("of HTTP/2", request -> request.version(HttpClient.Version.HTTP_2)),
        Named.of("with an expectation", request -> request.expectContinue(true)),
        Named.of("with a limit", request -> request.timeout(Duration.ofMillis(200))));
  }

  private void assertRefused(HttpRequest request, BodyHandler<?> handler) throws Exception {
    UnsupportedOperationException refused =
        assertThrows(
            UnsupportedOperationException.class, () -> client.send(request, handler).body());
    assertTrue(refused.getMessage().contains("HTTP_CLIENT=jdk"), refused.getMessage());
    assertEquals(0, service.connections());
    assertEquals(0, client.connections());
    assertEquals("200 hi", Calls.body(client, service));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aRequestOfAnotherKindIsRefusedAndItsBodyNotAskedFor(Kind kind) throws Exception {
    HttpRequest request = kind.of(Calls.to(service).POST(BodyPublishers.noBody())).build();
    assertRefused(request, STREAM);
  }

  static Stream<Named<BodyHandler<?>>> handlers() {
    return Stream.of(
        Named.of("a text", BodyHandlers.ofString()),
        Named.of("bytes", BodyHandlers.ofByteArray()),
        Named.of("a stream without a deadline", BodyHandlers.ofInputStream()),
        Named.of("lines", BodyHandlers.ofLines()),
        Named.of("nothing", BodyHandlers.discarding()),
        Named.of("a publisher", BodyHandlers.ofPublisher()),
        Named.of(
            "one of its own",
            _ -> {
              throw new AssertionError("it was applied");
            }));
  }

  @ParameterizedTest
  @MethodSource("handlers")
  void aHandlerOfAnotherKindIsRefusedAndNotApplied(BodyHandler<?> handler) throws Exception {
    assertRefused(Calls.get(service), handler);
  }

  @Test
  void whatWouldNeedAThreadOfItsOwnIsRefused() throws Exception {
    PreparedRequest request = Calls.get(service);
    assertThrows(UnsupportedOperationException.class, () -> client.sendAsync(request, STREAM));
    assertThrows(
        UnsupportedOperationException.class, () -> client.sendAsync(request, STREAM, null));
    assertEquals(0, service.connections());
    assertEquals("200 hi", Calls.body(client, service));
  }
}
