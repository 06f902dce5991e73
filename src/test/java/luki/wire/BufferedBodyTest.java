package luki.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Publishers and handlers that the client does not know: buffered whole, on the caller's thread.
 */
@Timeout(60)
class BufferedBodyTest {
  @AutoClose("shutdownNow")
  private final WireClient client = new WireClient(Calls.SETTINGS);

  @AutoClose private final RawUpstream service = RawUpstream.answering(Calls.OK);

  /** A publisher that runs a script for each demand, and counts down when it is cancelled. */
  private static final class Scripted implements Flow.Publisher<ByteBuffer> {
    final CountDownLatch cancelled = new CountDownLatch(1);
    private final BiConsumer<Flow.Subscriber<? super ByteBuffer>, CountDownLatch> script;

    Scripted(BiConsumer<Flow.Subscriber<? super ByteBuffer>, CountDownLatch> script) {
      this.script = script;
    }

    static Scripted stalled() {
      return new Scripted((_, _) -> {});
    }

    @Override
    public void subscribe(Flow.Subscriber<? super ByteBuffer> subscriber) {
      subscriber.onSubscribe(
          new Flow.Subscription() {
            @Override
            public void request(long n) {
              script.accept(subscriber, cancelled);
            }

            @Override
            public void cancel() {
              cancelled.countDown();
            }
          });
    }
  }

  /** A length below 0 is an unknown one. */
  private HttpRequest post(Flow.Publisher<ByteBuffer> from, long length) {
    return Calls.to(service)
        .POST(
            length < 0
                ? BodyPublishers.fromPublisher(from)
                : BodyPublishers.fromPublisher(from, length))
        .build();
  }

  private static ByteBuffer ascii(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 10, 100_000})
  void aPublisherThatStallsIsCancelledWhenTheCallRunsOutOfTime(long length) throws Exception {
    Scripted stalled = Scripted.stalled();
    HttpRequest request =
        HttpRequest.newBuilder(post(stalled, length), (_, _) -> true)
            .timeout(Duration.ofMillis(200))
            .build();
    assertThrows(HttpTimeoutException.class, () -> client.send(request, BodyHandlers.discarding()));
    assertTrue(stalled.cancelled.await(5, TimeUnit.SECONDS));
    assertEquals(0, service.connections());
  }

  @Test
  void aPublisherThatStallsIsCancelledWithItsCall() throws Exception {
    Scripted stalled = Scripted.stalled();
    CompletableFuture<?> sent = client.sendAsync(post(stalled, -1), BodyHandlers.discarding());
    assertTrue(sent.cancel(true));
    assertTrue(stalled.cancelled.await(5, TimeUnit.SECONDS));
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 100_000})
  void aPublisherMaySubscribeAndPublishOnAnotherThread(int length) throws Exception {
    SubmissionPublisher<ByteBuffer> pieces = new SubmissionPublisher<>();
    CompletableFuture<HttpResponse<String>> sent =
        client.sendAsync(post(pieces, length), BodyHandlers.ofString());
    Waiting.until(Duration.ofSeconds(5), pieces::hasSubscribers);
    pieces.submit(ByteBuffer.allocate(length));
    pieces.close();
    assertEquals("hi", sent.get(5, TimeUnit.SECONDS).body());
  }

  @Test
  void aBodyOfUnknownLengthIsSentWithItsLength() throws Exception {
    Scripted three =
        new Scripted(
            (subscriber, _) -> {
              for (String piece : List.of("abc", "", "de")) {
                subscriber.onNext(ascii(piece));
              }
              subscriber.onComplete();
            });
    HttpRequest request = post(three, -1);
    assertEquals("hi", client.send(request, BodyHandlers.ofString()).body());
    String sent = service.requests().getFirst();
    assertTrue(sent.endsWith("\r\nContent-Length: 5\r\n\r\nabcde"), sent);
  }

  @ParameterizedTest
  @ValueSource(longs = {4, 6, 4_000_000_000L})
  void aBodyOfAnotherLengthThanDeclaredIsNotSent(long declared) {
    Scripted five =
        new Scripted(
            (subscriber, _) -> {
              subscriber.onNext(ascii("abcde"));
              subscriber.onComplete();
            });
    HttpRequest request = post(five, declared);
    assertThrows(IOException.class, () -> client.send(request, BodyHandlers.discarding()));
    assertEquals(0, service.connections());
  }

  @Test
  void aRequestBodyBeyondTheLimitIsNotSentAndItsPublisherCancelled() throws Exception {
    Scripted endless =
        new Scripted(
            (subscriber, cancelled) -> {
              while (cancelled.getCount() > 0) {
                subscriber.onNext(ByteBuffer.allocate(64 * 1024));
              }
            });
    HttpRequest request = post(endless, -1);
    assertThrows(IOException.class, () -> client.send(request, BodyHandlers.discarding()));
    assertTrue(endless.cancelled.await(5, TimeUnit.SECONDS));
    assertEquals(0, service.connections());
  }

  @Test
  void aPublisherThatFailsIsNamedAsTheCause() {
    IllegalStateException cause = new IllegalStateException("no more");
    Scripted failing = new Scripted((subscriber, _) -> subscriber.onError(cause));
    Flow.Publisher<ByteBuffer> throwing =
        _ -> {
          throw cause;
        };
    for (Flow.Publisher<ByteBuffer> broken : List.of(failing, throwing)) {
      HttpRequest request = post(broken, -1);
      IOException failed =
          assertThrows(IOException.class, () -> client.send(request, BodyHandlers.discarding()));
      assertSame(cause, failed.getCause());
    }
    assertEquals(0, service.connections());
  }

  @Test
  void aReplyBeyondTheLimitIsAFailureAndItsConnectionIsClosed() {
    byte[] piece = new byte[64 * 1024];
    try (RawUpstream endless =
        RawUpstream.start(
            connection -> {
              connection.readRequest();
              connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
              while (true) {
                connection.send(piece);
              }
            })) {
      assertThrows(
          IOException.class,
          () -> client.send(Calls.to(endless).build(), BodyHandlers.ofByteArray()));
      assertEquals(0, client.connections());
    }
  }

  /** Notes the signals and their threads. */
  private static final class Recorder implements HttpResponse.BodySubscriber<String> {
    final List<String> signals = new ArrayList<>();
    final List<Thread> threads = new ArrayList<>();
    final CompletableFuture<String> body = new CompletableFuture<>();
    private final Consumer<Flow.Subscription> atStart;

    Recorder(Consumer<Flow.Subscription> atStart) {
      this.atStart = atStart;
    }

    private void signal(String name) {
      signals.add(name);
      threads.add(Thread.currentThread());
    }

    @Override
    public CompletionStage<String> getBody() {
      return body;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      signal("subscribe");
      atStart.accept(given);
    }

    @Override
    public void onNext(List<ByteBuffer> pieces) {
      StringBuilder text = new StringBuilder("next ");
      pieces.forEach(piece -> text.append(StandardCharsets.UTF_8.decode(piece)));
      signal(text.toString());
    }

    @Override
    public void onError(Throwable failure) {
      signal("error");
      body.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
      signal("complete");
      body.complete("done");
    }
  }

  @Test
  void aSubscriberGetsTheWholeBodyOnTheCallersThread() throws Exception {
    Recorder recorder = new Recorder(subscription -> subscription.request(1));
    try (RawUpstream slow =
        RawUpstream.start(
            connection -> {
              connection.readRequest();
              connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
              Thread.sleep(50);
              connection.send("cd");
            })) {
      assertEquals("done", client.send(Calls.to(slow).build(), _ -> recorder).body());
      assertEquals(List.of("subscribe", "next abcd", "complete"), recorder.signals);
      recorder.threads.forEach(thread -> assertSame(Thread.currentThread(), thread));
    }
  }

  @Test
  void aSubscriberMayAskForTheBodyLater() throws Exception {
    Recorder recorder =
        new Recorder(
            subscription ->
                Thread.startVirtualThread(
                    () -> {
                      subscription.request(1);
                      subscription.request(1);
                    }));
    assertEquals("done", client.send(Calls.to(service).build(), _ -> recorder).body());
    assertEquals(List.of("subscribe", "next hi", "complete"), recorder.signals);
  }

  @Test
  void aSubscriberThatCancelsGetsNothingMore() throws Exception {
    Recorder recorder =
        new Recorder(
            subscription -> {
              subscription.cancel();
              subscription.request(1);
            });
    recorder.body.complete("cancelled");
    assertEquals("cancelled", client.send(Calls.to(service).build(), _ -> recorder).body());
    assertEquals(List.of("subscribe"), recorder.signals);
  }

  @Test
  void aDemandOfNothingIsAnError() {
    Recorder recorder = new Recorder(subscription -> subscription.request(0));
    IOException failed =
        assertThrows(
            IOException.class, () -> client.send(Calls.to(service).build(), _ -> recorder));
    assertInstanceOf(IllegalArgumentException.class, failed.getCause());
    assertEquals(List.of("subscribe", "error"), recorder.signals);
  }

  @Test
  void anEmptyBodyIsCompleteWithoutDemand() throws Exception {
    Recorder recorder = new Recorder(_ -> {});
    try (RawUpstream empty = RawUpstream.answering("HTTP/1.1 204 No Content\r\n\r\n")) {
      assertEquals("done", client.send(Calls.to(empty).build(), _ -> recorder).body());
      assertEquals(List.of("subscribe", "complete"), recorder.signals);
    }
  }
}
