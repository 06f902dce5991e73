package luki.gateway.upstream;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import luki.gateway.config.GatewayFile;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Upstream;
import org.jspecify.annotations.Nullable;

/**
 * A service's event stream, read on a thread of its own so that its consumer can wait with a limit.
 * The queue is short: a slow consumer slows the service down. Closing ends the call at once.
 */
public final class EventFeed implements AutoCloseable {
  private static final int QUEUE = 16;
  private static final int READ_BYTES = 2048;

  private final ArrayBlockingQueue<Item> queue = new ArrayBlockingQueue<>(QUEUE);
  private @Nullable Thread reader;

  /** What the stream brought. */
  public sealed interface Item {
    record Data(EventParser.Event event) implements Item {}

    /** The service ended the stream. */
    record End() implements Item {}

    record Failed(ApiError error) implements Item {}

    /** Nothing: {@link #wake} was called. */
    record Wake() implements Item {}
  }

  static EventFeed failed(ApiError error) {
    EventFeed feed = new EventFeed();
    feed.queue.add(new Item.Failed(error));
    return feed;
  }

  static EventFeed start(
      UpstreamClient client, Call call, Exchange exchange, GatewayFile.Streams limits) {
    EventFeed feed = new EventFeed();
    feed.reader =
        Thread.ofVirtual()
            .name("feed-" + client.who().label())
            .start(() -> feed.run(client, call, exchange, limits));
    return feed;
  }

  /** The next item, or null if none arrives in that time. */
  public @Nullable Item poll(Duration wait) throws InterruptedException {
    return queue.poll(Math.max(0, wait.toNanos()), TimeUnit.NANOSECONDS);
  }

  /** Ends a wait for an item. */
  public void wake() {
    // With a full queue nothing waits.
    boolean _ = queue.offer(new Item.Wake());
  }

  /** Ends the call; items that were not polled are dropped. */
  @Override
  public void close() {
    Thread running = reader;
    if (running != null) {
      running.interrupt();
    }
  }

  private void run(
      UpstreamClient client, Call call, Exchange exchange, GatewayFile.Streams limits) {
    try {
      queue.put(
          client.stream(
              call,
              exchange,
              limits.firstEvent(),
              events -> read(events, client.who(), limits.maxEventBytes())));
    } catch (InterruptedException closed) {
      // close() was called: no item is polled any more.
    } catch (RuntimeException defect) {
      queue.offer(new Item.Failed(ApiError.of(ErrorCode.INTERNAL)));
      throw defect;
    }
  }

  /** Queues each event as soon as it is complete; returns how the stream ended. */
  private Item read(InputStream events, Upstream who, int maxEventBytes)
      throws InterruptedException {
    EventParser parser = new EventParser(maxEventBytes);
    byte[] buffer = new byte[READ_BYTES];
    try (events) {
      for (int n = events.read(buffer); n >= 0; n = events.read(buffer)) {
        parser.feed(buffer, 0, n);
        for (var event = parser.poll(); event != null; event = parser.poll()) {
          queue.put(new Item.Data(event));
        }
      }
      return new Item.End();
    } catch (EventParser.TooLong tooLong) {
      return new Item.Failed(new ApiError.FromUpstream(who, ErrorCode.DOWNSTREAM_ERROR));
    } catch (IOException broken) {
      return new Item.Failed(Failures.of(who, broken));
    }
  }
}
