package luki.gateway.upstream;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.time.Duration;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.Settings;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.Deadline;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Upstream;
import luki.gateway.observe.Label.UpstreamOutcome;
import luki.gateway.observe.TraceSpan;
import luki.gateway.rollout.Rollout;
import luki.gateway.upstream.CircuitBreaker.CallResult;
import luki.gateway.upstream.ServiceBreakers.RetryBudget;
import luki.gateway.upstream.Upstreams.ServiceState;
import luki.http1.PreparedRequest;
import luki.http1.TimedBody;
import org.jspecify.annotations.Nullable;

/**
 * Calls one service: bulkhead, then breaker, then the call with its deadline, then perhaps one
 * repeat on a fresh connection.
 */
final class UpstreamClient {
  private static final Duration MIRROR_LIMIT = Duration.ofSeconds(2);

  final Upstream who;
  final Rollout.Member member;
  final ServiceGuard guard;
  private final URI base;
  private final Duration total;
  private final Upstreams.Shared shared;
  private final HttpClient http;
  private final OutgoingRequests outgoing;
  private final RetryBudget budget;
  private final ServiceHealth health;

  /**
   * Creates a client.
   *
   * @param before the client of an older configuration, whose state it shares
   * @param member the version that it calls
   */
  UpstreamClient(
      Upstream who,
      URI base,
      Settings.@Nullable Secret secret,
      GatewayFile file,
      Upstreams.Shared shared,
      @Nullable UpstreamClient before,
      Rollout.Member member) {
    this.who = who;
    this.base = base;
    this.member = member;
    this.total = file.service(who).total();
    this.shared = shared;
    this.http =
        shared.clients().client(file.service(who).connect(), file.streams().betweenEvents());
    this.outgoing = new OutgoingRequests(who, base, shared.credentials(), secret);
    this.guard =
        before == null ? new ServiceGuard(who, file, shared.metrics()) : before.guard.with(file);
    this.budget = before == null ? new RetryBudget(System::nanoTime) : before.budget;
    this.health = before == null ? new ServiceHealth(who) : before.health;
  }

  boolean isAt(URI address) {
    return base.equals(address);
  }

  /** Down while the breaker is open. */
  ServiceState state() {
    return guard.breakers().service.isOpen() ? ServiceState.DOWN : health.state();
  }

  /** Makes a health check. It says nothing about what the service depends on. */
  void probe(Duration limit) throws InterruptedException {
    long by = System.nanoTime() + limit.toNanos();
    health.probed(answers(outgoing.health(by), by) ? ServiceState.UP : ServiceState.DOWN);
  }

  /** Makes a call of another version again; whether that went well. */
  boolean mirror(Call call, Exchange exchange) throws InterruptedException {
    long by = System.nanoTime() + MIRROR_LIMIT.toNanos();
    Call copy = call.with("X-Luki-Mirror", "1");
    return answers(outgoing.of(copy, exchange, exchange.trace(), by, by), by);
  }

  /** Beside bulkhead and breaker: whether there is a whole reply in time that is no failure. */
  private boolean answers(PreparedRequest request, long by) throws InterruptedException {
    try {
      HttpResponse<InputStream> reply = http.send(request, new TimedBody(by));
      try (InputStream body = reply.body()) {
        long _ = body.skip(shared.maxReplyBytes());
      }
      return reply.statusCode() < 500;
    } catch (IOException | RuntimeException failed) {
      return false;
    }
  }

  /** Makes a unary call and reads its reply whole. Never throws for what the service does. */
  Reply call(Call call, Exchange exchange) throws InterruptedException {
    long began = System.nanoTime();
    int place = guard.calls().enter(exchange.principal());
    if (place < 0) {
      return shed(place, began);
    }
    try {
      Reply reply = attempts(new Work(call, exchange, total, false, began)).reply();
      member.ended(call.method(), exchange, Failures.codeOf(who, call, reply), reply.nanos());
      return reply;
    } finally {
      guard.calls().leave(place);
    }
  }

  /**
   * Calls for an event stream and lets the feed read it to its end.
   *
   * @param limit how long the head of its reply may take
   * @return how the stream ended
   */
  EventFeed.Item stream(Call call, Exchange exchange, Duration limit, EventFeed feed)
      throws InterruptedException {
    long began = System.nanoTime();
    int place = guard.streams().enter(exchange.principal());
    if (place < 0) {
      return new EventFeed.Item.Failed(shed(place, began).error());
    }
    try {
      Attempt last = attempts(new Work(call, exchange, limit, true, began));
      OpenStream open = last.stream();
      if (open == null) {
        return new EventFeed.Item.Failed(Failures.ofNoStream(who, last.reply()));
      }
      try {
        return feed.read(open.events());
      } finally {
        open.span().end();
      }
    } finally {
      guard.streams().leave(place);
    }
  }

  private Reply.Failed shed(int place, long began) {
    return new Reply.Failed(
        Bulkhead.refusal(place, who, shared.metrics(), System.nanoTime() - began), 0);
  }

  /**
   * A call with all its attempts.
   *
   * @param limit until the reply is complete or, with streaming, until its head has arrived
   */
  private record Work(Call call, Exchange exchange, Duration limit, boolean streaming, long began) {
    Reply.Failed failed(ApiError error) {
      return new Reply.Failed(error, System.nanoTime() - began);
    }

    /** Nothing was called. */
    Attempt refused(ApiError error) {
      return new Attempt(failed(error), null, false, CallResult.IGNORED);
    }
  }

  /**
   * What one attempt of a call came to.
   *
   * @param stream null unless the reply is an event stream
   * @param mayRepeat nothing was sent, or it does no harm to send it again
   */
  private record Attempt(
      Reply reply, @Nullable OpenStream stream, boolean mayRepeat, CallResult result) {}

  /** The body of a reply that is an event stream, and the span of its call. */
  private record OpenStream(InputStream events, TraceSpan span) {}

  /** The repeat is on a fresh connection: when one of the pool is dead, the others may be too. */
  private Attempt attempts(Work work) throws InterruptedException {
    budget.called();
    Deadline limit = new Deadline(work.began + work.limit.toNanos());
    Deadline by = work.exchange.deadline().sooner(limit);
    Attempt first = attempt(work, by, work.began, false);
    return first.mayRepeat() && !by.hasPassed() && budget.tryRepeat()
        ? attempt(work, by, System.nanoTime(), true)
        : first;
  }

  private Attempt attempt(Work work, Deadline by, long began, boolean repeat)
      throws InterruptedException {
    if (by.atNanos() - began <= 0) {
      return work.refused(new ApiError.FromUpstream(who, ErrorCode.DOWNSTREAM_TIMEOUT));
    }
    ServiceBreakers breakers = guard.breakers();
    ServiceBreakers.Permit permit = breakers.tryAcquire(work.call.method(), work.exchange);
    if (permit == null) {
      return work.refused(guard.circuitOpen());
    }
    TraceSpan span = shared.tracing().client(work.exchange.trace(), who, work.call.method());
    Attempt attempt = null;
    try {
      long end = (work.streaming ? work.exchange.deadline() : by).atNanos();
      PreparedRequest request =
          outgoing.of(work.call, work.exchange, span.context(), by.atNanos(), end);
      attempt = send(repeat ? request.onFreshConnection() : request, work, span, began);
      return attempt;
    } finally {
      permit.end(
          attempt == null
              ? CallResult.IGNORED
              : breakers.after(System.nanoTime() - began, attempt.result()));
      UpstreamOutcome outcome =
          attempt == null ? UpstreamOutcome.CANCELLED : Failures.outcomeOf(attempt.reply());
      span.ended(outcome);
      if (attempt == null || attempt.stream() == null) {
        span.end();
      }
      shared.metrics().upstreamCall(who, outcome, System.nanoTime() - began);
    }
  }

  private Attempt send(PreparedRequest request, Work work, TraceSpan span, long began)
      throws InterruptedException {
    long bodyBy = work.streaming ? PreparedRequest.NEVER : request.headBy();
    try {
      return replied(http.send(request, new TimedBody(bodyBy)), work, span);
    } catch (IOException failure) {
      if (Thread.interrupted()) {
        throw new InterruptedException("while reading a reply");
      }
      return failed(failure, work, request.headBy() - began);
    }
  }

  private Attempt replied(HttpResponse<InputStream> response, Work work, TraceSpan span)
      throws IOException {
    int status = response.statusCode();
    span.status(status);
    String retryAfter =
        status < 400 ? null : response.headers().firstValue("Retry-After").orElse(null);
    OpenStream stream = null;
    Body whole = Body.EMPTY;
    InputStream body = response.body();
    if (!work.streaming) {
      try (body) {
        whole =
            Body.of(work.call.read(body, status, work.exchange.memory(), shared.maxReplyBytes()));
      }
    } else if (Failures.isEventStream(response)) {
      stream = new OpenStream(body, span);
    } else {
      body.close();
    }
    health.answered(status);
    return new Attempt(
        new Reply.Got(status, retryAfter, whole, System.nanoTime() - work.began),
        stream,
        mayRepeat(work.call) && status == 503,
        CallResult.of(status));
  }

  private boolean mayRepeat(Call call) {
    return call.idempotent() || who.idempotent();
  }

  private Attempt failed(IOException failure, Work work, long left) {
    ApiError error = Failures.of(who, failure);
    // A timeout after less than half of the usual time says nothing about the service.
    boolean cutShort =
        error.code() == ErrorCode.DOWNSTREAM_TIMEOUT && left < work.limit.toNanos() / 2;
    boolean lost = error.code() == ErrorCode.DOWNSTREAM_UNAVAILABLE;
    CallResult result =
        Failures.isWithoutConnection(failure) ? CallResult.NO_CONNECTION : CallResult.UNREACHABLE;
    return new Attempt(
        work.failed(error),
        null,
        Failures.nothingWasSent(failure) || (mayRepeat(work.call) && lost),
        cutShort || error.code() == ErrorCode.OVERLOADED ? CallResult.IGNORED : result);
  }
}
