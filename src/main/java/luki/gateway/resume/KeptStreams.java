package luki.gateway.resume;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
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

  // A drain ends streams without a reader, which must be logged and billed within its grace.
  private static final Duration CHECK_INTERVAL = Duration.ofMillis(100);
  private static final Pattern EVENT_ID = Pattern.compile("([0-9a-f]{32}):([0-9]{1,9})");

  private final ByteBudget budget;
  private final ByteBudget.Lease memory;
  private final long limit;
  private final Lifecycle lifecycle;
  private final RandomGenerator random;
  final LongSupplier nanos;
  private final Map<String, KeptStream> streams = new ConcurrentHashMap<>();
  // The longest without a reader first.
  private final Set<KeptStream> unread = new LinkedHashSet<>();
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
    this.memory.heldBy("kept streams");
    this.limit = limit / 8;
    this.lifecycle = lifecycle;
    this.random = random;
    this.nanos = nanos;
  }

  public void start() {
    checks = new Periodic("kept-streams", this::check);
  }

  /** Handles a request; the stream that it gets can be resumed where there is room for it. */
  Response keep(Exchange exchange, Next next) {
    Exchange.Payload sent = exchange.payload();
    ByteBudget.Lease lease = budget.lease();
    lease.heldBy(exchange.principal().limitedAs());
    boolean kept = false;
    try {
      if (sent == null || !lease.tryTake(2L * sent.raw().bytes().length)) {
        return next.handle(exchange);
      }
      Response response = next.handle(exchange.holding(lease));
      if (response.body() instanceof Body.Stream(Body.Source source, var encoder)) {
        kept = true;
        String id = "%016x%016x".formatted(random.nextLong(), random.nextLong());
        KeptStream stream = new KeptStream(this, id, exchange, source, lease);
        return response.with(new Body.Stream(stream.open(), encoder));
      }
      return response;
    } finally {
      if (!kept) {
        lease.close();
      }
    }
  }

  /** Begins to keep a stream; false where there is no room. */
  synchronized boolean add(KeptStream stream) {
    if (!take(stream, STREAM_BYTES)) {
      return false;
    }
    streams.put(stream.id, stream);
    return true;
  }

  /**
   * The rest of a stream after an event. Nothing says whether another caller's stream exists.
   *
   * @param last the id of the last event that the client has
   */
  Response resume(Exchange exchange, String last) {
    Matcher id = EVENT_ID.matcher(last);
    KeptStream stream = id.matches() ? streams.get(id.group(1)) : null;
    return stream == null ? notFound() : stream.resume(exchange, Integer.parseInt(id.group(2)));
  }

  static Response notFound() {
    return Response.refused(ApiError.of(ErrorCode.NOT_FOUND));
  }

  /** Takes room for what a stream keeps; false where there is none. */
  synchronized boolean take(KeptStream stream, long size) {
    String caller = stream.caller;
    boolean isShareFull = bytesOfCaller.getOrDefault(caller, 0L) + size > limit / 4;
    while (isShareFull || bytes + size > limit || !memory.tryTake(size)) {
      if (!dropOldest(isShareFull ? caller : null)) {
        return false;
      }
      isShareFull = bytesOfCaller.getOrDefault(caller, 0L) + size > limit / 4;
    }
    bytes += size;
    bytesOfCaller.merge(caller, size, Long::sum);
    stream.held += size;
    return true;
  }

  synchronized void give(KeptStream stream, long size) {
    bytes -= size;
    stream.held -= size;
    memory.give(size);
    bytesOfCaller.computeIfPresent(
        stream.caller, (_, held) -> held > size ? Long.valueOf(held - size) : null);
  }

  /** Takes out the oldest stream, of a caller or of all, that is over and that nobody reads. */
  private boolean dropOldest(@Nullable String caller) {
    for (KeptStream next : unread) {
      if (next.ended.isDone() && (caller == null || caller.equals(next.caller))) {
        remove(next);
        Thread.ofVirtual().name("kept-stream").start(next::drop);
        return true;
      }
    }
    return false;
  }

  /** A stream has no reader any more; false where it must not go on. */
  synchronized boolean leave(KeptStream stream) {
    if (!streams.containsKey(stream.id) || lifecycle.phase() == Lifecycle.Phase.DRAINING) {
      return false;
    }
    String caller = stream.caller;
    if (unread.stream().filter(other -> other.caller.equals(caller)).count() >= UNREAD_OF_CALLER
        && !dropOldest(caller)) {
      return false;
    }
    unread.add(stream);
    return true;
  }

  /** A stream has another reader; false where it was forgotten. */
  synchronized boolean attach(KeptStream stream) {
    return unread.remove(stream) || streams.containsKey(stream.id);
  }

  /** Forgets a stream with all that it keeps. */
  synchronized void remove(KeptStream stream) {
    streams.remove(stream.id);
    unread.remove(stream);
    give(stream, stream.held);
  }

  /** Drops what has been without a reader for too long, or may not be read any more. */
  Duration check() {
    boolean all = lifecycle.phase() == Lifecycle.Phase.DRAINING;
    copyOf(unread).forEach(stream -> stream.dropIfExpired(all));
    return CHECK_INTERVAL;
  }

  private synchronized List<KeptStream> copyOf(Collection<KeptStream> some) {
    return List.copyOf(some);
  }

  @Override
  public void close() {
    if (checks != null) {
      checks.close();
    }
    copyOf(streams.values()).forEach(KeptStream::drop);
    memory.close();
  }

  /**
   * Answers a request for the rest of a stream without a call and without a bill, which is that of
   * the request that began the stream.
   *
   * @param streams null where none is kept
   */
  public record ResumeStream(@Nullable KeptStreams streams) implements Filter {
    @Override
    public Response apply(Exchange exchange, Next next) {
      if (streams == null
          || exchange.payload() == null
          || !(exchange.served().handler() instanceof Handler.Resumable)) {
        return next.handle(exchange);
      }
      String last = exchange.request().headers().first("Last-Event-ID");
      // WHATWG HTML §9.2: an empty id is none.
      return last == null || last.isEmpty()
          ? streams.keep(exchange, next)
          : streams.resume(exchange, last);
    }
  }
}
