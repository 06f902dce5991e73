package luki.gateway.handler;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.OptionalLong;
import luki.gateway.config.GatewayFile;
import luki.gateway.consent.AccessWatch;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.Deadline;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.ErrorReply;
import luki.gateway.http.Exchange;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;
import luki.gateway.observe.Label.StreamOutcome;
import org.jspecify.annotations.Nullable;

/**
 * The caller's side of a chat stream: one piece for each event of the agent, comments while it is
 * silent, and one error event where it fails after the status has gone out.
 */
final class ChatEventSource implements Body.Source {
  private static final ApiError LATE =
      new ApiError.FromUpstream(Upstream.AGENT, ErrorCode.DOWNSTREAM_TIMEOUT);
  private static final ApiError SILENT =
      new ApiError.Specific(
          ErrorCode.DOWNSTREAM_TIMEOUT, Upstream.AGENT.title() + " stopped responding");
  private static final ApiError TOO_LONG = ApiError.unfinished(Upstream.AGENT);
  private static final byte[] COMMENT = ": keep-alive\n\n".getBytes(StandardCharsets.US_ASCII);
  private static final Duration POLL_INTERVAL = Duration.ofMillis(500);

  /** While nobody can wake it when streams must end. */
  private static final Duration FIRST_POLL_INTERVAL = Duration.ofMillis(100);

  private final Exchange exchange;
  private final ChatHandlers chat;
  private final GatewayFile.Streams limits;
  private final Begun begun;
  private AgentEvents.@Nullable Event pending;
  private volatile boolean probed;
  private boolean opened;
  private boolean anyToken;
  private boolean ended;
  private long lastPiece;
  private long eventDeadline;
  private int id;
  private StreamOutcome outcome = StreamOutcome.CLIENT_CLOSED;
  private @Nullable ErrorCode failure;
  private OptionalLong firstEventNanos = OptionalLong.empty();

  /**
   * A call to the agent that has begun.
   *
   * @param called when it was made, on the monotonic clock
   */
  record Begun(long called, AgentEvents events, Json meta, AccessWatch.Grant grant) {}

  ChatEventSource(ChatHandlers chat, Exchange exchange, Begun begun) {
    this.chat = chat;
    this.limits = chat.file().streams();
    this.begun = begun;
    this.exchange = exchange;
    this.lastPiece = System.nanoTime();
    this.eventDeadline = begun.called + limits.firstEvent().toNanos();
  }

  @Override
  public @Nullable ErrorCode failure() {
    return failure;
  }

  @Override
  public @Nullable ApiError refusal() {
    return begun.grant.revocation();
  }

  @Override
  public OptionalLong firstEventNanos() {
    return firstEventNanos;
  }

  @Override
  public void probe() {
    probed = true;
    begun.events.feed.wake();
  }

  /**
   * Waits for what decides the status, but not longer than routers wait for a first byte.
   *
   * @return why there is no stream, or null
   */
  @Nullable ApiError awaitFirst() throws InterruptedException {
    Deadline answerBy = new Deadline(exchange.receivedNanos() + limits.answerBy().toNanos());
    Deadline firstEvent = new Deadline(eventDeadline);
    Deadline wait = answerBy.sooner(firstEvent);
    do {
      if (chat.lifecycle().streamsMustEnd()) {
        return ApiError.retrySoon(ErrorCode.DRAINING);
      }
      pending = begun.events.poll(wait.sooner(Deadline.after(FIRST_POLL_INTERVAL)).left());
    } while (pending == null && !probed && begun.grant.revocation() == null && !wait.hasPassed());
    probed = pending == null;
    if (begun.grant.revocation() != null) {
      return begun.grant.revocation();
    }
    return switch (pending) {
      case null -> firstEvent.hasPassed() ? LATE : null;
      case AgentEvents.Event.Failed(ApiError error) -> error;
      case AgentEvents.Event.Done _ -> AgentEvents.NONSENSE;
      case AgentEvents.Event.Token _ -> null;
    };
  }

  /** Counts how the stream ended, if its head was sent. */
  void count(boolean clientClosed) {
    if (opened) {
      chat.metrics().streamEnds(clientClosed ? StreamOutcome.CLIENT_CLOSED : outcome);
      firstEventNanos.ifPresent(chat.metrics()::firstEvent);
    }
  }

  @Override
  public byte @Nullable [] next() throws InterruptedException {
    if (ended) {
      begun.events.close();
      return null;
    }
    if (!opened) {
      opened = true;
      chat.metrics().streamBegins();
    }
    while (true) {
      if (probed) {
        probed = false;
        return sent(COMMENT);
      }
      byte[] last = endIfRequired();
      if (last != null) {
        return last;
      }
      AgentEvents.Event event = pending == null ? begun.events.poll(untilNextCheck()) : pending;
      pending = null;
      byte[] piece = event == null ? onSilence() : rendered(event);
      if (piece != null) {
        return piece;
      }
    }
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
        anyToken = true;
        eventDeadline = System.nanoTime() + limits.betweenEvents().toNanos();
        yield sent(event("", Json.object().put("token", text)));
      }
      case AgentEvents.Event.Done _ when !anyToken ->
          error(AgentEvents.NONSENSE, StreamOutcome.UPSTREAM_ERROR);
      case AgentEvents.Event.Done(Json toolCalls) -> {
        ended(StreamOutcome.COMPLETED);
        yield event(
            "event: done\n",
            Json.object().put("done", true).put("tool_calls", toolCalls).put("meta", begun.meta));
      }
      case AgentEvents.Event.Failed(ApiError error) ->
          error(
              error,
              error.code() == ErrorCode.DOWNSTREAM_TIMEOUT
                  ? StreamOutcome.TIMEOUT
                  : StreamOutcome.UPSTREAM_ERROR);
    };
  }

  private byte[] event(String name, Json.Builder data) {
    id++;
    return event(name + "id: " + id + "\ndata: ", data.build().bytes());
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
    if (chat.lifecycle().streamsMustEnd()) {
      return error(ApiError.of(ErrorCode.DRAINING), StreamOutcome.DRAINED);
    }
    ApiError revocation = begun.grant.revocation();
    if (revocation != null) {
      return error(revocation, StreamOutcome.REVOKED);
    }
    return new Deadline(lifeEnds()).hasPassed() ? error(TOO_LONG, StreamOutcome.LIMIT) : null;
  }

  /** What is due when the agent has said nothing; null when nothing is. */
  private byte @Nullable [] onSilence() {
    if (new Deadline(eventDeadline).hasPassed()) {
      return error(SILENT, StreamOutcome.TIMEOUT);
    }
    Deadline comment = new Deadline(lastPiece + limits.keepAlive().toNanos());
    return comment.hasPassed() ? sent(COMMENT) : null;
  }

  private long lifeEnds() {
    return exchange.receivedNanos() + limits.total().toNanos();
  }

  private Duration untilNextCheck() {
    return Deadline.after(POLL_INTERVAL)
        .sooner(new Deadline(eventDeadline))
        .sooner(new Deadline(lifeEnds()))
        .sooner(new Deadline(lastPiece + limits.keepAlive().toNanos()))
        .left();
  }

  @Override
  public void close() {
    begun.grant.close();
    begun.events.close();
  }
}
