package luki.gateway.upstream;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import luki.gateway.config.GatewayFile;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Method;
import luki.gateway.http.UpstreamVersion;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/**
 * A service's event stream, read on a thread of its own so that its consumer can wait with a limit.
 * The queue is short in items and bytes: a slow consumer slows the service down. Closing ends the
 * call at once.
 */
public final class EventFeed implements AutoCloseable {
  private static final int QUEUE = 16;
  private static final int QUEUE_BYTES = 256 * 1024;
  private static final int READ_BYTES = 512;

  private final ArrayBlockingQueue<Item> queue = new ArrayBlockingQueue<>(QUEUE);
  // A single event may be longer: it then has the queue for itself.
  private final Semaphore queueBytes = new Semaphore(QUEUE_BYTES);
  private final UpstreamClient client;
  private final GatewayFile.Streams limits;
  private final ByteBudget.Lease memory;
  // What was called, without what was said.
  private final Method method;
  private final Exchange exchange;
  private final Thread reader;
  private long polled;

  /** What the stream brought. */
  public sealed interface Item {
    record Data(EventParser.Event event) implements Item {}

    /** The service ended the stream. */
    record End() implements Item {}

    record Failed(ApiError error) implements Item {}

    /** Nothing: {@link #wake} was called. */
    record Wake() implements Item {}
  }

  /** Starts the call. */
  EventFeed(UpstreamClient client, Call call, Exchange exchange, GatewayFile.Streams limits) {
    this.client = client;
    this.limits = limits;
    this.memory = exchange.memory();
    this.method = call.method();
    this.exchange = exchange.carrying(null);
    this.reader =
        Thread.ofVirtual().name("feed-" + client.who.label()).start(() -> run(call, exchange));
  }

  /** The next item, or null if none arrives in that time. The item before it is used no more. */
  public @Nullable Item poll(Duration wait) throws InterruptedException {
    memory.give(polled);
    polled = 0;
    Item item = queue.poll(Math.max(0, wait.toNanos()), TimeUnit.NANOSECONDS);
    if (item instanceof Item.Data(EventParser.Event event)) {
      queueBytes.release(queuedAs(event));
      polled = event.held();
    }
    return item;
  }

  private static int queuedAs(EventParser.Event event) {
    return Math.min(event.bytes().length, QUEUE_BYTES);
  }

  /** The version that is called, where the service has several. */
  public @Nullable UpstreamVersion version() {
    return client.member.version();
  }

  /** Reports that the stream has ended, perhaps with an error, and when its first event came. */
  public void ended(@Nullable ErrorCode error, long firstEventNanos) {
    client.member.ended(method, exchange, error, firstEventNanos);
  }

  /** Ends a wait for an item. */
  public void wake() {
    // With a full queue nothing waits.
    boolean _ = queue.offer(new Item.Wake());
  }

  /** Ends the call; items that were not polled are dropped. */
  @Override
  public void close() {
    reader.interrupt();
  }

  private void run(Call call, Exchange asked) {
    try {
      queue.put(client.stream(call, asked, limits.firstEvent(), this));
    } catch (InterruptedException closed) {
      // close() was called: no item is polled any more.
    } catch (RuntimeException defect) {
      queue.offer(new Item.Failed(ApiError.of(ErrorCode.INTERNAL)));
      throw defect;
    }
  }

  /** Queues each event as soon as it is complete; returns how the stream ended. */
  Item read(InputStream events) throws InterruptedException {
    EventParser parser = new EventParser(limits.maxEventBytes(), memory);
    byte[] buffer = new byte[READ_BYTES];
    try (events) {
      for (int n = events.read(buffer); n >= 0; n = events.read(buffer)) {
        parser.feed(buffer, n);
        for (var event = parser.poll(); event != null; event = parser.poll()) {
          queueBytes.acquire(queuedAs(event));
          queue.put(new Item.Data(event));
        }
      }
      return new Item.End();
    } catch (IOException broken) {
      return new Item.Failed(Failures.of(client.who, broken));
    }
  }
}
