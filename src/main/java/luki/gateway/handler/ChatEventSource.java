package luki.gateway.handler;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.OptionalLong;
import java.util.function.Predicate;
import luki.gateway.config.GatewayFile;
import luki.gateway.consent.ConsentWatch;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.Deadline;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.ErrorReply;
import luki.gateway.http.Exchange;
import luki.gateway.http.Principal;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;
import luki.gateway.observe.Label.StreamOutcome;
import luki.gateway.observe.Lifecycle;
import org.jspecify.annotations.Nullable;

/**
 * The caller's side of a chat stream: one piece for each event of the agent, comments while it is
 * silent, and one error event where it fails after the status has gone out.
 */
final class ChatEventSource implements Body.Source {
  static final AgentEvents.Event.Failed TIMED_OUT =
      new AgentEvents.Event.Failed(
          new ApiError.FromUpstream(Upstream.AGENT, ErrorCode.DOWNSTREAM_TIMEOUT));

  private static final ApiError SILENT = new ApiError.StreamTimeout(Upstream.AGENT, true);
  private static final ApiError TOO_LONG = new ApiError.StreamTimeout(Upstream.AGENT, false);
  private static final byte[] COMMENT = ": keep-alive\n\n".getBytes(StandardCharsets.US_ASCII);
  private static final Duration GUARD_INTERVAL = Duration.ofSeconds(1);
  private static final Duration POLL_INTERVAL = Duration.ofMillis(500);

  private final AgentEvents events;
  private final Json meta;
  private final Exchange exchange;
  private final Clocks clocks;
  private final Guards guards;
  private AgentEvents.@Nullable Event pending;
  private boolean commentFirst;
  private long lastCheck;
  private volatile boolean readerLeft;
  private boolean ended;
  private long lastPiece;
  private long eventDeadline;
  private int id;
  private StreamOutcome outcome = StreamOutcome.CLIENT_CLOSED;
  private @Nullable ErrorCode failure;
  private OptionalLong firstEventNanos = OptionalLong.empty();

  /**
   * The limits of a stream.
   *
   * @param called when the agent was, on the monotonic clock
   */
  record Clocks(GatewayFile.Streams limits, long called) {}

  /**
   * What may end a stream from outside.
   *
   * @param consent null where no memories are used
   */
  record Guards(
      Lifecycle lifecycle, Predicate<Principal> stillGood, ConsentWatch.@Nullable Watch consent) {}

  ChatEventSource(
      AgentEvents events,
      AgentEvents.@Nullable Event first,
      Json meta,
      Exchange exchange,
      Clocks clocks,
      Guards guards) {
    this.events = events;
    this.pending = first;
    this.commentFirst = first == null;
    this.meta = meta;
    this.exchange = exchange;
    this.clocks = clocks;
    this.guards = guards;
    this.lastCheck = System.nanoTime();
    this.lastPiece = System.nanoTime();
    this.eventDeadline = clocks.called + clocks.limits.firstEvent().toNanos();
  }

  /** How it ended, unless the reader left before. */
  StreamOutcome outcome() {
    return outcome;
  }

  @Override
  public @Nullable ErrorCode failure() {
    return failure;
  }

  @Override
  public OptionalLong firstEventNanos() {
    return firstEventNanos;
  }

  /** Ends the agent's call at once, whatever this stream waits for. */
  @Override
  public void readerLeft() {
    readerLeft = true;
    events.close();
  }

  @Override
  public byte @Nullable [] next() throws InterruptedException {
    if (ended) {
      return null;
    }
    if (commentFirst) {
      commentFirst = false;
      return sent(COMMENT);
    }
    while (!readerLeft) {
      byte[] last = endIfRequired();
      if (last != null) {
        return last;
      }
      AgentEvents.Event event = pending == null ? events.poll(untilNextCheck()) : pending;
      pending = null;
      byte[] piece = event == null ? onSilence() : rendered(event);
      if (piece != null) {
        return piece;
      }
    }
    ended = true;
    return null;
  }

  private byte[] rendered(AgentEvents.Event event) {
    if (firstEventNanos.isEmpty()) {
      firstEventNanos = OptionalLong.of(System.nanoTime() - exchange.receivedNanos());
    }
    return switch (event) {
      case AgentEvents.Event.Token(String text) -> {
        if (!exchange.reservation().take(text.codePointCount(0, text.length()))) {
          yield error(ApiError.of(ErrorCode.QUOTA_EXCEEDED), StreamOutcome.QUOTA);
        }
        eventDeadline = System.nanoTime() + clocks.limits.betweenEvents().toNanos();
        yield sent(event("", Json.object().put("token", text).build()));
      }
      case AgentEvents.Event.Done(Json toolCalls) -> {
        ended(StreamOutcome.COMPLETED);
        yield event(
            "event: done\n",
            Json.object().put("done", true).put("tool_calls", toolCalls).put("meta", meta).build());
      }
      case AgentEvents.Event.Failed(ApiError error) ->
          error(
              error,
              error.code() == ErrorCode.DOWNSTREAM_TIMEOUT
                  ? StreamOutcome.TIMEOUT
                  : StreamOutcome.UPSTREAM_ERROR);
    };
  }

  private byte[] event(String name, Json data) {
    id++;
    return event(name + "id: " + id + "\ndata: ", data.bytes());
  }

  private static byte[] event(String head, byte[] data) {
    byte[] event =
        Arrays.copyOf(head.getBytes(StandardCharsets.US_ASCII), head.length() + data.length + 2);
    System.arraycopy(data, 0, event, head.length(), data.length);
    event[event.length - 2] = '\n';
    event[event.length - 1] = '\n';
    return event;
  }

  private byte[] error(ApiError error, StreamOutcome how) {
    ended(how);
    failure = error.code();
    Json data = ErrorReply.envelope(error, exchange.trace().traceId());
    return event("event: error\ndata: ", data.bytes());
  }

  private void ended(StreamOutcome how) {
    ended = true;
    outcome = how;
  }

  private byte[] sent(byte[] piece) {
    lastPiece = System.nanoTime();
    return piece;
  }

  /** What ends a stream however much the agent has to say; null while nothing does. */
  private byte @Nullable [] endIfRequired() {
    if (guards.lifecycle.streamsMustEnd()) {
      return error(ApiError.of(ErrorCode.DRAINING), StreamOutcome.DRAINED);
    }
    if (new Deadline(lastCheck + GUARD_INTERVAL.toNanos()).hasPassed()) {
      lastCheck = System.nanoTime();
      if (!guards.stillGood.test(exchange.principal())) {
        return error(new ApiError.Unauthenticated(true), StreamOutcome.REVOKED);
      }
      if (guards.consent != null && guards.consent.isWithdrawn()) {
        return error(ApiError.of(ErrorCode.CONSENT_DENIED), StreamOutcome.REVOKED);
      }
    }
    return new Deadline(lifeEnds()).hasPassed() ? error(TOO_LONG, StreamOutcome.LIMIT) : null;
  }

  /** What is due when the agent has said nothing; null when nothing is. */
  private byte @Nullable [] onSilence() {
    if (new Deadline(eventDeadline).hasPassed()) {
      return error(SILENT, StreamOutcome.TIMEOUT);
    }
    if (new Deadline(lastPiece + clocks.limits.keepAlive().toNanos()).hasPassed()) {
      return sent(COMMENT);
    }
    return null;
  }

  private long lifeEnds() {
    return exchange.receivedNanos() + clocks.limits.total().toNanos();
  }

  private Duration untilNextCheck() {
    return Deadline.after(POLL_INTERVAL)
        .sooner(new Deadline(eventDeadline))
        .sooner(new Deadline(lifeEnds()))
        .sooner(new Deadline(lastPiece + clocks.limits.keepAlive().toNanos()))
        .left();
  }

  @Override
  public void close() {
    if (guards.consent != null) {
      guards.consent.close();
    }
    events.close();
  }
}
