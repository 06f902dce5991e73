package luki.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Waiting;
import luki.http1.Fields;
import luki.http1.RawClient;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is sent, down to its bytes, and bodies of every kind. */
@Timeout(60)
class RequestsTest {
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

  @AutoClose("shutdownNow")
  private final WireClient client = new WireClient(Calls.SETTINGS);

  private static RawUpstream once(String reply) {
    return RawUpstream.start(
        connection -> {
          connection.readRequest();
          connection.send(reply);
          connection.stallUntilClosed();
        });
  }

  @Test
  void theBytesAreTheseAndNoOthers() throws Exception {
    try (RawUpstream service = once(OK)) {
      RawClient.Request request =
          new RawClient.Request(
              "POST",
              "/a%20b?c=d",
              Fields.of("Content-Type", "application/json", "X-A", "b"),
              "{}".getBytes(StandardCharsets.UTF_8));
      Calls.body(client, service, request, Calls.within(Duration.ofSeconds(5)));
      assertEquals(
          List.of(
              ("""
              POST /a%20b?c=d HTTP/1.1
              Host: 127.0.0.1:"""
                      + service.port()
                      + """

              Content-Type: application/json
              X-A: b
              Content-Length: 2

              {}""")
                  .replace("\n", "\r\n")),
          service.requests());
    }
  }

  @Test
  void aRequestThatCouldBeReadInTwoWaysIsNotSent() {
    RawClient.Origin origin = new RawClient.Origin(false, "127.0.0.1", 9);
    for (String target : List.of("", "x", "/a b", "/a\r\nX: y", "/\u00e9", "/\u0000")) {
      RawClient.Request request = new RawClient.Request("GET", target, Fields.NONE, new byte[0]);
      assertThrows(
          IllegalArgumentException.class,
          () -> client.call(origin, request, Calls.within(Duration.ofSeconds(1))));
    }
    for (String name :
        List.of("Host", "content-length", "Transfer-Encoding", "connection", "expect")) {
      RawClient.Request request =
          new RawClient.Request("GET", "/", Fields.of(name, "1"), new byte[0]);
      assertThrows(
          IllegalArgumentException.class,
          () -> client.call(origin, request, Calls.within(Duration.ofSeconds(1))));
    }
    assertThrows(IllegalArgumentException.class, () -> Fields.of("A", "b\r\nC: d"));
    assertThrows(IllegalArgumentException.class, () -> Fields.of("A B", "c"));
  }

  private static HttpRequest.Builder to(RawUpstream service) {
    return HttpRequest.newBuilder(URI.create(service.url() + "/p?q=1"));
  }

  @Test
  void whatTheInterfaceHasAndThisClientHasNotIsRefusedWithAWayOut() {
    HttpRequest two =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:9/"))
            .version(HttpClient.Version.HTTP_2)
            .build();
    HttpRequest expecting =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:9/")).expectContinue(true).build();
    for (HttpRequest request : List.of(two, expecting)) {
      UnsupportedOperationException refused =
          assertThrows(
              UnsupportedOperationException.class,
              () -> client.send(request, HttpResponse.BodyHandlers.discarding()));
      assertTrue(refused.getMessage().contains("HTTP_CLIENT=jdk"));
    }
    assertThrows(UnsupportedOperationException.class, client::newWebSocketBuilder);
  }

  @Test
  void aPublisherOfUnknownLengthIsSentInChunksAndNeverRunsAhead() throws Exception {
    AtomicLong asked = new AtomicLong();
    AtomicLong given = new AtomicLong();
    HttpRequest.BodyPublisher publisher =
        HttpRequest.BodyPublishers.fromPublisher(
            subscriber ->
                subscriber.onSubscribe(
                    new Flow.Subscription() {
                      @Override
                      public void request(long n) {
                        asked.addAndGet(n);
                        assertTrue(asked.get() - given.get() <= 1, "asked ahead");
                        if (given.getAndIncrement() < 3) {
                          subscriber.onNext(
                              ByteBuffer.wrap("abc".getBytes(StandardCharsets.US_ASCII)));
                        } else {
                          subscriber.onComplete();
                        }
                      }

                      @Override
                      public void cancel() {}
                    }));
    AtomicBoolean chunked = new AtomicBoolean();
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              chunked.set(connection.readRequest().contains("Transfer-Encoding: chunked"));
              connection.send(OK);
              connection.stallUntilClosed();
            })) {
      HttpResponse<String> response =
          client.send(to(service).POST(publisher).build(), HttpResponse.BodyHandlers.ofString());
      assertEquals("hi", response.body());
      assertTrue(chunked.get());
    }
  }

  @Test
  void anAnswerBeforeTheWholeBodyWasSentIsGivenAndTheUploadStops() throws Exception {
    byte[] vast = new byte[32 * 1024 * 1024];
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              connection.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
              Thread.sleep(Duration.ofSeconds(30));
            })) {
      long began = System.nanoTime();
      HttpResponse<String> response =
          client.send(
              to(service).POST(HttpRequest.BodyPublishers.ofByteArray(vast)).build(),
              HttpResponse.BodyHandlers.ofString());
      assertEquals(413, response.statusCode());
      assertEquals("no", response.body());
      assertTrue(Duration.ofNanos(System.nanoTime() - began).toSeconds() < 5);
      Waiting.until(Duration.ofSeconds(5), () -> client.connections() == 0);
    }
  }

  @Test
  void aBodyThatCannotBeMadeFailsTheCall() {
    HttpRequest.BodyPublisher broken =
        HttpRequest.BodyPublishers.fromPublisher(
            subscriber ->
                subscriber.onSubscribe(
                    new Flow.Subscription() {
                      @Override
                      public void request(long n) {
                        subscriber.onError(new IllegalStateException("no more"));
                      }

                      @Override
                      public void cancel() {}
                    }));
    try (RawUpstream service = once("")) {
      assertThrows(
          IOException.class,
          () ->
              client.send(
                  to(service).POST(broken).build(), HttpResponse.BodyHandlers.discarding()));
      Waiting.until(Duration.ofSeconds(5), () -> client.connections() == 0);
    }
  }

  @Test
  void aSubscriberThatCancelsClosesTheConnection() throws Exception {
    AtomicBoolean closed = new AtomicBoolean();
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              connection.readRequest();
              connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi");
              connection.stallUntilClosed();
              closed.set(true);
            })) {
      HttpResponse<String> response = client.send(to(service).build(), _ -> new FirstPieceOnly());
      assertEquals("hi", response.body());
      Waiting.until(Duration.ofSeconds(5), closed::get);
    }
  }

  /** Takes one piece and no more. */
  private static final class FirstPieceOnly implements HttpResponse.BodySubscriber<String> {
    private final CompletableFuture<String> body = new CompletableFuture<>();
    private Flow.Subscription subscription;

    @Override
    public CompletionStage<String> getBody() {
      return body;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
      given.request(1);
    }

    @Override
    public void onNext(List<ByteBuffer> pieces) {
      subscription.cancel();
      body.complete(StandardCharsets.UTF_8.decode(pieces.getFirst()).toString());
    }

    @Override
    public void onError(Throwable failure) {
      body.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
      body.complete("");
    }
  }
}
