package luki.gateway.upstream;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.Settings;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.Deadline;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Upstream;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.Label.UpstreamOutcome;
import luki.gateway.observe.Metrics;
import luki.gateway.observe.TraceSpan;
import luki.gateway.observe.Tracing;
import luki.http1.RawClient;
import org.jspecify.annotations.Nullable;

/**
 * Calls one service: bulkhead, then breaker, then the call with its deadline, then perhaps once
 * more.
 */
public final class UpstreamClient {
  private static final Duration SHED_RETRY = Duration.ofSeconds(1);
  private static final Diagnostics LOG = new Diagnostics("upstream");

  private final Upstream who;
  private final GatewayFile.Service settings;
  private final int maxReplyBytes;
  private final Engines.Engine engine;
  private final OutgoingRequests outgoing;
  private final Metrics metrics;
  private final Tracing tracing;
  private final Circuit circuit;
  private final Semaphore calls;
  private final Semaphore streams;
  private final RetryBudget budget = new RetryBudget();
  private volatile ServiceState probed = ServiceState.UNKNOWN;
  private final AtomicBoolean refusalTold = new AtomicBoolean();

  /** Everything that the clients of all services share. */
  public record Shared(
      GatewayFile file,
      int maxReplyBytes,
      Credentials credentials,
      Engines engines,
      Metrics metrics,
      Tracing tracing,
      LongSupplier nanoTime) {}

  UpstreamClient(Upstream who, URI base, Settings.@Nullable Secret secret, Shared shared) {
    this.who = who;
    this.settings = shared.file().service(who);
    this.maxReplyBytes = shared.maxReplyBytes();
    this.engine = shared.engines().engine(settings.connect());
    this.outgoing = new OutgoingRequests(who, base, shared.credentials(), secret);
    this.metrics = shared.metrics();
    this.tracing = shared.tracing();
    this.circuit = new Circuit(shared.file().breaker(), shared.nanoTime());
    this.calls = new Semaphore(settings.maxConcurrent());
    this.streams = new Semaphore(shared.file().streams().maxOpen());
    metrics.watchCircuit(who, circuit::isTripped);
  }

  /** Whether it is left alone, else what the last light question found. */
  ServiceState state() {
    return circuit.isOpen() ? ServiceState.DOWN : probed;
  }

  /** Asks the service lightly whether it is there. Says nothing of what it depends on. */
  void probe(Duration most) throws InterruptedException {
    long end = System.nanoTime() + most.toNanos();
    try (RawClient.Reply answer =
        engine.client().call(outgoing.origin(), outgoing.health(), limits(end, end, false))) {
      ReplyBytes.of(answer, maxReplyBytes);
      probed = answer.status() < 500 ? ServiceState.UP : ServiceState.DOWN;
    } catch (IOException | RuntimeException failed) {
      probed = ServiceState.DOWN;
    }
  }

  void close() {
    engine.close().run();
  }

  /** Makes a unary call and reads its reply whole. Never throws for what the service does. */
  Reply call(Call call, Exchange exchange) throws InterruptedException {
    long began = System.nanoTime();
    if (!calls.tryAcquire()) {
      return shed(began);
    }
    try {
      budget.called();
      Deadline deadline = exchange.deadline().sooner(Deadline.after(settings.total()));
      Attempt first = attempt(call, exchange, deadline, false);
      boolean again =
          (first.nothingSent() || (call.repeatable() && first.isTransient()))
              && !deadline.hasPassed()
              && budget.tryRepeat();
      // On a connection of its own: when one of the pool is dead, the others may be too.
      Attempt last = again ? attempt(call, exchange, deadline, true) : first;
      return last.took(System.nanoTime() - began);
    } finally {
      calls.release();
    }
  }

  private Reply shed(long began) {
    metrics.upstreamCall(who, UpstreamOutcome.SHED, System.nanoTime() - began);
    return new Reply.Failed(ApiError.of(ErrorCode.OVERLOADED, SHED_RETRY), 0);
  }

  /** One try. */
  private record Attempt(Reply reply, boolean nothingSent) {
    /** Another try may fare better: no whole reply, or 503. */
    boolean isTransient() {
      return switch (reply) {
        case Reply.Got got -> got.status() == 503;
        case Reply.Failed failed -> failed.error().code() == ErrorCode.DOWNSTREAM_UNAVAILABLE;
      };
    }

    Reply took(long nanos) {
      return switch (reply) {
        case Reply.Got got -> new Reply.Got(got.status(), got.retryAfter(), got.body(), nanos);
        case Reply.Failed failed -> new Reply.Failed(failed.error(), nanos);
      };
    }
  }

  private RawClient.Limits limits(long head, long end, boolean fresh) {
    return new RawClient.Limits(settings.connect().toNanos(), head, end, fresh);
  }

  private Attempt attempt(Call call, Exchange exchange, Deadline deadline, boolean fresh)
      throws InterruptedException {
    if (deadline.hasPassed()) {
      return new Attempt(new Reply.Failed(Failures.late(who), 0), false);
    }
    Circuit.Permit permit = circuit.tryAcquire(kindOf(call, exchange));
    if (permit == null) {
      return new Attempt(new Reply.Failed(circuitOpen(), 0), false);
    }
    // A caller that left the service less than its time says nothing about the service.
    boolean fullTime = deadline.left().compareTo(settings.total().dividedBy(2)) >= 0;
    long began = System.nanoTime();
    Circuit.CallResult result = Circuit.CallResult.IGNORED;
    UpstreamOutcome outcome = UpstreamOutcome.CANCELLED;
    TraceSpan span = tracing.client(exchange.trace(), who, call.method());
    try (RawClient.Reply reply =
        engine
            .client()
            .call(
                outgoing.origin(),
                outgoing.of(call, exchange, span.context()),
                limits(deadline.atNanos(), deadline.atNanos(), fresh))) {
      Reply.Got got = got(reply);
      span.status(got.status());
      result = Circuit.of(got.status());
      outcome = Failures.outcomeOf(got.status());
      tellRefusal(got.status());
      return new Attempt(got, false);
    } catch (IOException failure) {
      if (Thread.interrupted()) {
        throw new InterruptedException("while reading a reply");
      }
      ApiError error = Failures.of(who, failure);
      result =
          error.code() == ErrorCode.DOWNSTREAM_TIMEOUT && !fullTime
              ? Circuit.CallResult.IGNORED
              : Circuit.CallResult.UNREACHABLE;
      outcome = Failures.outcomeOf(error.code());
      return new Attempt(new Reply.Failed(error, 0), Failures.nothingWasSent(failure));
    } finally {
      permit.end(result);
      span.ended(outcome);
      span.end();
      metrics.upstreamCall(who, outcome, System.nanoTime() - began);
    }
  }

  private Reply.Got got(RawClient.Reply reply) throws IOException {
    return new Reply.Got(
        reply.status(),
        reply.fields().first("Retry-After"),
        Body.of(ReplyBytes.of(reply, maxReplyBytes)),
        0);
  }

  /** A closed set: methods, and the templates of the contract. */
  private static String kindOf(Call call, Exchange exchange) {
    return call.method() + " " + exchange.route().template();
  }

  private ApiError circuitOpen() {
    return new ApiError.FromUpstream(who, ErrorCode.DOWNSTREAM_CIRCUIT_OPEN, circuit.retryAfter());
  }

  /** A refusal of the gateway's own credential is the operator's to mend: told once. */
  private void tellRefusal(int status) {
    if (status != 401 && status != 403) {
      refusalTold.set(false);
    } else if (who != Upstream.SECURITY && refusalTold.compareAndSet(false, true)) {
      LOG.error(
          "a service refuses the gateway's credential",
          Diagnostics.Field.of("service", who),
          Diagnostics.Field.of("status", status));
    }
  }

  /** The answer to a call for a stream: open, with its permit held until it is closed. */
  sealed interface Opened {
    record Open(RawClient.Reply reply, Runnable release) implements Opened {}

    record Failed(ApiError error) implements Opened {}
  }

  /**
   * Calls for an event stream.
   *
   * @param firstEvent how long its head may take
   */
  Opened open(Call call, Exchange exchange, Duration firstEvent) throws InterruptedException {
    long began = System.nanoTime();
    budget.called();
    if (!streams.tryAcquire()) {
      metrics.upstreamCall(who, UpstreamOutcome.SHED, System.nanoTime() - began);
      return new Opened.Failed(ApiError.of(ErrorCode.OVERLOADED, SHED_RETRY));
    }
    boolean open = false;
    UpstreamOutcome outcome = UpstreamOutcome.CANCELLED;
    Circuit.CallResult result = Circuit.CallResult.IGNORED;
    Circuit.Permit permit = circuit.tryAcquire(kindOf(call, exchange));
    TraceSpan span = tracing.client(exchange.trace(), who, call.method());
    try {
      if (permit == null) {
        return new Opened.Failed(circuitOpen());
      }
      RawClient.Reply reply = send(call, exchange, span, Deadline.after(firstEvent).atNanos());
      span.status(reply.status());
      outcome = Failures.outcomeOf(reply.status());
      result = Circuit.of(reply.status());
      tellRefusal(reply.status());
      ApiError error = Failures.ofStreamsHead(who, reply);
      if (error != null) {
        reply.close();
        return new Opened.Failed(error);
      }
      open = true;
      return new Opened.Open(
          reply,
          () -> {
            span.end();
            streams.release();
          });
    } catch (IOException failure) {
      ApiError error = Failures.of(who, failure);
      result = Circuit.CallResult.UNREACHABLE;
      outcome = Failures.outcomeOf(error.code());
      return new Opened.Failed(error);
    } finally {
      span.ended(outcome);
      if (!open) {
        span.end();
        streams.release();
      }
      if (permit != null) {
        permit.end(result);
        metrics.upstreamCall(who, outcome, System.nanoTime() - began);
      }
    }
  }

  private RawClient.Reply send(Call call, Exchange exchange, TraceSpan span, long headBy)
      throws IOException, InterruptedException {
    RawClient.Request request = outgoing.of(call, exchange, span.context());
    RawClient.Limits limits = limits(headBy, RawClient.NEVER, false);
    try {
      return engine.client().call(outgoing.origin(), request, limits);
    } catch (IOException failure) {
      if (Failures.nothingWasSent(failure) && budget.tryRepeat()) {
        return engine.client().call(outgoing.origin(), request, limits);
      }
      throw failure;
    }
  }
}
