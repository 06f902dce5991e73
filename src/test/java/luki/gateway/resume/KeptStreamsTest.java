package luki.gateway.resume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.Deadline;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Ids;
import luki.gateway.http.Method;
import luki.gateway.http.Principal;
import luki.gateway.http.Query;
import luki.gateway.http.Request;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Delivery;
import luki.gateway.http.Route;
import luki.gateway.http.UserId;
import luki.gateway.json.Json;
import luki.gateway.observe.Lifecycle;
import luki.gateway.testing.Waiting;
import luki.http1.ByteBudget;
import luki.http1.Fields;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How long a stream is kept, by a clock of the test, and what gives way to what. */
@Timeout(60)
class KeptStreamsTest {
  private static final long BUDGET = 8_000_000;
  private static final long MINUTE = Duration.ofSeconds(60).toNanos();

  private final ByteBudget memory = new ByteBudget(BUDGET);
  private final AtomicLong nanos = new AtomicLong();
  private final KeptStreams streams =
      new KeptStreams(memory, BUDGET, new Lifecycle(), new Random(1), nanos::get);

  /** A stream whose pieces the test gives. */
  private static final class Source implements Body.Source {
    private final BlockingQueue<String> pieces = new LinkedBlockingQueue<>();
    private volatile boolean closed;

    @Override
    public byte[] next() throws InterruptedException {
      String piece = pieces.take();
      return piece.isEmpty() ? null : piece.getBytes(StandardCharsets.UTF_8);
    }

    void event(String data) {
      pieces.add("id: 1\ndata: " + data + "\n\n");
    }

    void end() {
      pieces.add("");
    }

    @Override
    public void probe() {
      pieces.add(": probe\n\n");
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  private static Exchange exchange(String caller) {
    Request.Input empty = new Request.Input(InputStream.nullInputStream(), 0);
    Request request = new Request(Method.POST, Query.NONE, Fields.NONE, empty, "", () -> {});
    Ids ids = new Ids(() -> new Random(1));
    Json json = Json.object().put("user_id", "maria_k").build();
    Principal key =
        new Principal.Key(caller, caller, "o", Set.of(), Principal.Users.only(Set.of()), null);
    return new Exchange(
            ids.requestId(Fields.NONE),
            ids.trace(Fields.NONE),
            Instant.EPOCH,
            System.nanoTime(),
            request,
            new Route.Refused(Method.POST, null, ApiError.of(ErrorCode.NOT_FOUND), null),
            Map.of(),
            ByteBudget.unlimited(),
            Exchange.Resolved.nothing(Deadline.after(Duration.ofSeconds(60))))
        .as(key)
        .carrying(new Exchange.Payload((Body.Bytes) Body.of(json.bytes()), json))
        .actingFor(UserId.parse("maria_k").orElseThrow());
  }

  private Body.Source begin(Source source, String caller) throws Exception {
    return sourceOf(
        streams.keep(
            exchange(caller), _ -> new Response(200, Fields.NONE, new Body.Stream(source))));
  }

  private static Body.Source sourceOf(Response response) {
    return ((Body.Stream) response.body()).source();
  }

  /** The next event of a stream, without comments. */
  private static String event(Body.Source from) throws Exception {
    byte[] piece = from.next();
    while (piece != null && piece[0] == ':') {
      piece = from.next();
    }
    return piece == null ? "" : new String(piece, StandardCharsets.UTF_8);
  }

  private static String id(String event) {
    return event.lines().findFirst().orElseThrow().substring("id: ".length());
  }

  /** The client leaves; what is due when the stream is over is put into the queue. */
  private static void leave(Body.Source reader, BlockingQueue<Delivery.End> ends) {
    boolean goesOn = reader.release(ends::add);
    reader.close();
    assertTrue(goesOn || ends.isEmpty());
  }

  private int statusOf(String id, String caller) {
    return streams.resume(exchange(caller), id).status();
  }

  @Test
  void aStreamThatNobodyReadsIsDroppedAfterAMinuteAndGivesAllBack() throws Exception {
    Source source = new Source();
    BlockingQueue<Delivery.End> ends = new LinkedBlockingQueue<>();
    Body.Source reader = begin(source, "a");
    source.event("one");
    String id = id(event(reader));
    leave(reader, ends);
    source.event("two");
    nanos.set(MINUTE - 1);
    streams.check();
    assertEquals(List.of(), List.copyOf(ends));
    nanos.set(MINUTE);
    streams.check();
    Waiting.until(() -> source.closed);
    assertEquals(Delivery.End.CLIENT_CLOSED, ends.take());
    assertEquals(404, statusOf(id, "a"));
    streams.close();
    assertEquals(0, memory.used());
  }

  @Test
  void whoComesBackInTimeGetsTheRestAndTheMinuteBeginsAnew() throws Exception {
    Source source = new Source();
    BlockingQueue<Delivery.End> ends = new LinkedBlockingQueue<>();
    Body.Source reader = begin(source, "a");
    source.event("one");
    String id = id(event(reader));
    leave(reader, ends);
    source.event("two");
    nanos.set(MINUTE - 1);
    Body.Source again = sourceOf(streams.resume(exchange("a"), id));
    nanos.set(5 * MINUTE);
    // It has a reader.
    streams.check();
    String two = event(again);
    assertTrue(two.endsWith("\ndata: two\n\n"), two);
    leave(again, new LinkedBlockingQueue<>());
    nanos.set(6 * MINUTE - 1);
    streams.check();
    assertEquals(List.of(), List.copyOf(ends));
    source.end();
    // Over, and still there for who has not seen the end.
    assertEquals(Delivery.End.COMPLETE, ends.take());
    sourceOf(streams.resume(exchange("a"), id)).close();
    assertEquals(204, statusOf(id(two), "a"));
    nanos.set(7 * MINUTE);
    streams.check();
    assertTrue(source.closed);
    streams.close();
    assertEquals(0, memory.used());
  }

  @Test
  void oldStreamsThatAreOverGiveWayToNewOnes() throws Exception {
    BlockingQueue<Delivery.End> ends = new LinkedBlockingQueue<>();
    String first = "";
    String last = "";
    // More than a caller may keep: a quarter of an eighth of the budget.
    for (int i = 0; i < 7; i++) {
      Source source = new Source();
      Body.Source reader = begin(source, "a");
      source.event("x".repeat(60_000));
      source.end();
      String id = id(event(reader));
      first = i == 0 ? id : first;
      last = id;
      assertEquals("", event(reader));
      leave(reader, ends);
    }
    assertEquals(404, statusOf(first, "a"));
    assertEquals(204, statusOf(last, "a"));
    streams.close();
    assertEquals(0, memory.used());
  }

  @Test
  void aStreamThatRunsFarAheadKeepsItsLastEvents() throws Exception {
    Source source = new Source();
    Body.Source reader = begin(source, "a");
    String first = "";
    String last = "";
    for (int i = 0; i < 70; i++) {
      source.event("x".repeat(5_000));
      last = id(event(reader));
      first = i == 0 ? last : first;
    }
    assertEquals(404, statusOf(first, "a"));
    assertEquals(200, streams.resume(exchange("a"), last).status());
    streams.close();
    assertTrue(source.closed || !source.pieces.isEmpty());
    assertEquals(0, memory.used());
  }
}
