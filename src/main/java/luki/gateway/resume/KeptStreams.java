package luki.gateway.resume;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.observe.Lifecycle;
import luki.gateway.observe.Periodic;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/**
 * The streams whose clients may ask for the rest of them. What they keep together is an eighth of
 * the budget of all messages at most, of each caller a quarter of that. One that nobody reads, be
 * it over or not, is dropped after a minute, or earlier for newer ones.
 */
public final class KeptStreams implements AutoCloseable {
  static final Duration LIFETIME = Duration.ofSeconds(60);

  /** How many streams of one caller may be without a reader. */
  static final int UNREAD_OF_CALLER = 8;

  /** The request and other objects of a stream. */
  private static final int STREAM_BYTES = 4 * 1024;

  private static final String HOLDER = "kept streams";
  // A drain ends streams without a reader, which must be logged and billed within its grace.
  private static final Duration CHECK_INTERVAL = Duration.ofMillis(100);
  private static final Pattern EVENT_ID = Pattern.compile("([0-9a-f]{32}):([0-9]{1,9})");

  private final ByteBudget budget;
  private final ByteBudget.Lease memory;
  private final long limit;
  private final Lifecycle lifecycle;
  private final RandomGenerator random;
  private final LongSupplier nanos;
  private final Map<String, KeptStream> streams = new HashMap<>();
  // The longest without a reader first.
  private final Set<KeptStream> unread = new LinkedHashSet<>();
  // To be closed by the next check.
  private final Queue<KeptStream> dropped = new ArrayDeque<>();
  private final Map<String, Long> bytesOfCaller = new HashMap<>();
  private long bytes;
  private @Nullable Periodic checks;

  /**
   * Keeps nothing longer than it should only once it was started.
   *
   * @param limit of the budget, in bytes
   * @param random 128 bits of it are the id of a stream
   * @param nanos the monotonic clock
   */
  public KeptStreams(
      ByteBudget budget,
      long limit,
      Lifecycle lifecycle,
      RandomGenerator random,
      LongSupplier nanos) {
    this.budget = budget;
    this.memory = budget.lease();
    this.memory.heldBy(HOLDER);
    this.limit = limit / 8;
    this.lifecycle = lifecycle;
    this.random = random;
    this.nanos = nanos;
  }

  public void start() {
    checks =
        new Periodic(
            "kept-streams",
            () -> {
              check();
              return CHECK_INTERVAL;
            });
  }

  /** Handles a request; the stream that it gets can be resumed where there is room for it. */
  Response keep(Exchange exchange, Handler handler) throws IOException, InterruptedException {
    Exchange.Payload sent = exchange.payload();
    ByteBudget.Lease lease = budget.lease();
    lease.heldBy(exchange.principal().limitedAs());
    boolean kept = false;
    try {
      if (sent == null || !lease.tryTake(2L * sent.raw().bytes().length)) {
        return handler.handle(exchange);
      }
      Response response = handler.handle(exchange.holding(lease));
      if (response.body() instanceof Body.Stream(Body.Source source, var encoder)) {
        kept = true;
        KeptStream stream = new KeptStream(this, newId(), exchange, source, lease);
        return response.with(new Body.Stream(opened(stream), encoder));
      }
      return response;
    } finally {
      if (!kept) {
        lease.close();
      }
    }
  }

  private synchronized Body.Source opened(KeptStream stream) {
    if (take(stream, STREAM_BYTES)) {
      streams.put(stream.id(), stream);
    } else {
      stream.forget();
    }
    return stream.open();
  }

  private String newId() {
    return "%016x%016x".formatted(random.nextLong(), random.nextLong());
  }

  /**
   * The rest of a stream after an event. Nothing says whether another caller's stream exists.
   *
   * @param last the id of the last event that the client has
   */
  Response resume(Exchange exchange, String last) {
    Matcher id = EVENT_ID.matcher(last);
    KeptStream stream = id.matches() ? find(id.group(1)) : null;
    return stream != null && stream.isOf(exchange)
        ? stream.resume(Integer.parseInt(id.group(2)))
        : notFound();
  }

  static Response notFound() {
    return Response.refused(ApiError.of(ErrorCode.NOT_FOUND));
  }

  private synchronized @Nullable KeptStream find(String id) {
    return streams.get(id);
  }

  long now() {
    return nanos.getAsLong();
  }

  /** Takes room for what a stream keeps; false where there is none. */
  synchronized boolean take(KeptStream stream, long size) {
    while (bytesOfCaller.getOrDefault(stream.caller(), 0L) + size > limit / 4) {
      if (!dropOldest(stream.caller())) {
        return false;
      }
    }
    while (bytes + size > limit || !memory.tryTake(size)) {
      if (!dropOldest(null)) {
        return false;
      }
    }
    bytes += size;
    bytesOfCaller.merge(stream.caller(), size, Long::sum);
    stream.held += size;
    return true;
  }

  synchronized void give(KeptStream stream, long size) {
    bytes -= size;
    stream.held -= size;
    memory.give(size);
    bytesOfCaller.computeIfPresent(
        stream.caller(), (_, held) -> held > size ? Long.valueOf(held - size) : null);
  }

  /** Takes out the oldest stream, of a caller or of all, that is over and that nobody reads. */
  private boolean dropOldest(@Nullable String caller) {
    Iterator<KeptStream> oldest = unread.iterator();
    while (oldest.hasNext()) {
      KeptStream next = oldest.next();
      if (next.over && (caller == null || caller.equals(next.caller()))) {
        oldest.remove();
        remove(next);
        dropped.add(next);
        return true;
      }
    }
    return false;
  }

  /** A stream has no reader any more; false where it must not go on. */
  synchronized boolean leave(KeptStream stream) {
    if (!streams.containsKey(stream.id()) || lifecycle.phase() == Lifecycle.Phase.DRAINING) {
      return false;
    }
    String caller = stream.caller();
    if (unread.stream().filter(other -> other.caller().equals(caller)).count() >= UNREAD_OF_CALLER
        && !dropOldest(caller)) {
      return false;
    }
    unread.add(stream);
    return true;
  }

  /** A stream has another reader; false where it was forgotten. */
  synchronized boolean attach(KeptStream stream) {
    return unread.remove(stream) || streams.containsKey(stream.id());
  }

  /** Forgets a stream with all that it keeps. */
  synchronized void remove(KeptStream stream) {
    streams.remove(stream.id());
    unread.remove(stream);
    give(stream, stream.held);
  }

  /** Drops what has been without a reader for too long, or may not be read any more. */
  void check() {
    boolean all = lifecycle.phase() == Lifecycle.Phase.DRAINING;
    withoutReader().forEach(stream -> stream.dropIfExpired(all));
    takenOut().forEach(KeptStream::drop);
  }

  private synchronized List<KeptStream> withoutReader() {
    return List.copyOf(unread);
  }

  private synchronized List<KeptStream> takenOut() {
    List<KeptStream> all = List.copyOf(dropped);
    dropped.clear();
    return all;
  }

  private synchronized List<KeptStream> all() {
    return List.copyOf(streams.values());
  }

  @Override
  public void close() {
    if (checks != null) {
      checks.close();
    }
    all().forEach(KeptStream::drop);
    takenOut().forEach(KeptStream::drop);
    memory.close();
  }
}
