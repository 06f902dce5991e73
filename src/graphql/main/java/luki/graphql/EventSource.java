package luki.graphql;

import graphql.ExecutionResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import luki.gateway.http.Body;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Delivery;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;

/**
 * The events of a chat as results of a subscription, in the distinct connections form of
 * graphql-sse. All on one thread: each event is pulled from the chat, goes through graphql-java and
 * is sent, before the next is asked for.
 */
final class EventSource implements Body.Source {
  private static final byte[] NEXT = "event: next\ndata: ".getBytes(StandardCharsets.US_ASCII);
  static final byte[] COMPLETE = "event: complete\ndata:\n\n".getBytes(StandardCharsets.US_ASCII);

  private final Response chat;
  private final Body.Stream stream;
  private final String traceId;
  private final ByteBudget.Lease memory;
  private final Deque<byte[]> ready = new ArrayDeque<>();
  private @Nullable Subscriber<? super Object> subscriber;
  private boolean ended;
  private long bytes;
  private long sending;

  EventSource(Response chat, Body.Stream stream, String traceId, ByteBudget.Lease memory) {
    this.chat = chat;
    this.stream = stream;
    this.traceId = traceId;
    this.memory = memory;
  }

  /** The events that graphql-java selects fields of. */
  Publisher<Object> publisher() {
    return to -> {
      subscriber = to;
      to.onSubscribe(
          new Subscription() {
            @Override
            public void request(long n) {
              // Events are pushed one by one as the client takes them.
            }

            @Override
            public void cancel() {
              subscriber = null;
            }
          });
    };
  }

  /** Takes the results that graphql-java makes of the events. */
  void results(Publisher<ExecutionResult> results) {
    results.subscribe(
        new Subscriber<>() {
          @Override
          public void onSubscribe(Subscription subscription) {
            subscription.request(Long.MAX_VALUE);
          }

          @Override
          public void onNext(ExecutionResult result) {
            try {
              ready.add(next(Engine.response(result, traceId), memory));
            } catch (IOException full) {
              throw new UncheckedIOException(full);
            }
          }

          @Override
          public void onError(Throwable failed) {
            throw new IllegalStateException(failed);
          }

          @Override
          public void onComplete() {}
        });
  }

  /** An event with a result. */
  static byte[] next(Map<String, ?> response, ByteBudget.Lease memory) throws IOException {
    byte[] text = JsonValues.bytes(response, memory);
    memory.take(text.length);
    byte[] event = Arrays.copyOf(NEXT, NEXT.length + text.length + 2);
    System.arraycopy(text, 0, event, NEXT.length, text.length);
    event[event.length - 2] = '\n';
    event[event.length - 1] = '\n';
    memory.give(text.length);
    return event;
  }

  @Override
  public byte @Nullable [] next() throws IOException, InterruptedException {
    while (ready.isEmpty() && !ended) {
      byte[] piece = stream.source().next();
      if (piece == null) {
        ended = true;
        ready.add(COMPLETE);
      } else {
        received(new String(stream.encoder().apply(piece), StandardCharsets.UTF_8));
      }
    }
    memory.give(sending);
    byte[] next = ready.poll();
    sending = next == null || !isResult(next) ? 0 : next.length;
    bytes += next == null ? 0 : next.length;
    return next;
  }

  private static boolean isResult(byte[] event) {
    int begin = Math.min(NEXT.length, event.length);
    return Arrays.equals(event, 0, begin, NEXT, 0, NEXT.length);
  }

  private void received(String piece) throws IOException {
    int data = piece.indexOf("data: ");
    if (data < 0) {
      ready.add(piece.getBytes(StandardCharsets.UTF_8));
      return;
    }
    Json event;
    try {
      event =
          Json.parse(
              piece.substring(data + "data: ".length()).strip().getBytes(StandardCharsets.UTF_8));
    } catch (InvalidJson impossible) {
      throw new IOException("an event of the chat is not JSON", impossible);
    }
    Json error = event.at("error");
    Subscriber<? super Object> to = subscriber;
    if (!error.isMissing()) {
      ready.add(next(Map.of("errors", List.of(error(error, 0, null))), memory));
    } else if (to != null) {
      to.onNext(JsonValues.membersOf(event));
    }
  }

  /** An error of the chat as one of GraphQL. */
  static Map<String, Object> error(Json error, int status, @Nullable String retryAfter) {
    return Map.of(
        "message",
        error.at("message").string("The call failed"),
        "extensions",
        Engine.extensions(error, status, retryAfter));
  }

  @Override
  public void probe() {
    stream.source().probe();
  }

  @Override
  public @Nullable ErrorCode failure() {
    return stream.source().failure();
  }

  @Override
  public OptionalLong firstEventNanos() {
    return stream.source().firstEventNanos();
  }

  @Override
  public void close() {
    try (memory) {
      stream.source().close();
    } catch (Exception impossible) {
      throw new IllegalStateException(impossible);
    } finally {
      Delivery.End end = ended ? Delivery.End.COMPLETE : Delivery.End.CLIENT_CLOSED;
      chat.onComplete().accept(new Delivery(end, chat.status(), bytes, stream.source().failure()));
    }
  }
}
