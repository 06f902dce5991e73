package luki.gateway.upstream;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.Settings;
import luki.gateway.http.ApiError;
import luki.gateway.http.Deadline;
import luki.gateway.http.Downstream;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.Metrics;
import luki.gateway.observe.UpstreamOutcome;
import org.jspecify.annotations.Nullable;

/**
 * Calls one service: bulkhead, then breaker, then the call with its deadline, then perhaps once
 * more.
 */
public final class DownstreamClient {
  private static final Duration SHED_RETRY = Duration.ofSeconds(1);
  private static final Diagnostics LOG = new Diagnostics("upstream");

  private final Downstream who;
  private final GatewayFile.Service settings;
  private final int maxReplyBytes;
  private final Supplier<HttpClient> engines;
  private final HttpClient http;
  private final OutgoingRequests outgoing;
  private final ScheduledExecutorService timer;
  private final Metrics metrics;
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
      ScheduledExecutorService timer,
      Metrics metrics,
      LongSupplier nanoTime) {}

  DownstreamClient(
      Downstream who,
      URI base,
      Supplier<HttpClient> engines,
      Settings.@Nullable Secret secret,
      Shared shared) {
    this.who = who;
    this.settings = shared.file().service(who);
    this.maxReplyBytes = shared.maxReplyBytes();
    this.engines = engines;
    this.http = engines.get();
    this.outgoing = new OutgoingRequests(who, base, shared.credentials(), secret);
    this.timer = shared.timer();
    this.metrics = shared.metrics();
    this.circuit = new Circuit(shared.file().breaker(), shared.nanoTime());
    this.calls = new Semaphore(settings.maxConcurrent());
    this.streams = new Semaphore(shared.file().streams().maxOpen());
    metrics.watchCircuit(who, circuit::isOpen);
  }

  /** Whether it is left alone, else what the last light question found. */
  ServiceState state() {
    return circuit.isLeftAlone() ? ServiceState.DOWN : probed;
  }

  /** Asks the service lightly whether it is there. Says nothing of what it depends on. */
  void probe(Duration most) throws InterruptedException {
    try {
      HttpResponse<byte[]> answer =
          http.send(
              outgoing.health(most), ReplyBody.handler(maxReplyBytes, Deadline.after(most), timer));
      probed = answer.statusCode() < 500 ? ServiceState.UP : ServiceState.DOWN;
    } catch (IOException | RuntimeException failed) {
      probed = ServiceState.DOWN;
    }
  }

  void close() {
    http.shutdownNow();
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
      Attempt first = attempt(http, call, exchange, deadline);
      boolean again =
          (first.nothingSent() || (call.repeatable() && first.mayPass()))
              && !deadline.hasPassed()
              && budget.tryRepeat();
      Attempt last = again ? repeat(call, exchange, deadline) : first;
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
    boolean mayPass() {
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

  /** On a connection of its own: when one of the pool is dead, the others may be too. */
  private Attempt repeat(Call call, Exchange exchange, Deadline deadline)
      throws InterruptedException {
    HttpClient fresh = engines.get();
    try {
      return attempt(fresh, call, exchange, deadline);
    } finally {
      fresh.shutdownNow();
    }
  }

  private Attempt attempt(HttpClient engine, Call call, Exchange exchange, Deadline deadline)
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
    Circuit.Told told = Circuit.Told.NOTHING;
    UpstreamOutcome outcome = UpstreamOutcome.CANCELLED;
    try {
      HttpResponse<byte[]> response =
          engine.send(
              outgoing.of(call, exchange, deadline),
              ReplyBody.handler(maxReplyBytes, deadline, timer));
      told = Circuit.of(response.statusCode());
      outcome = Failures.outcomeOf(response.statusCode());
      tellRefusal(response.statusCode());
      return new Attempt(Reply.Got.of(response), false);
    } catch (IOException failure) {
      ApiError error = Failures.of(who, failure);
      told =
          error.code() == ErrorCode.DOWNSTREAM_TIMEOUT && !fullTime
              ? Circuit.Told.NOTHING
              : Circuit.Told.AWAY;
      outcome = Failures.outcomeOf(error.code());
      return new Attempt(new Reply.Failed(error, 0), Failures.nothingWasSent(failure));
    } finally {
      permit.end(told);
      metrics.upstreamCall(who, outcome, System.nanoTime() - began);
    }
  }

  /** A closed set: methods, and the templates of the contract. */
  private static String kindOf(Call call, Exchange exchange) {
    return call.method() + " " + exchange.route().template();
  }

  private ApiError circuitOpen() {
    return new ApiError.FromDownstream(
        who, ErrorCode.DOWNSTREAM_CIRCUIT_OPEN, circuit.retryAfter());
  }

  /** A refusal of the gateway's own credential is the operator's to mend: told once. */
  private void tellRefusal(int status) {
    if (status != 401 && status != 403) {
      refusalTold.set(false);
    } else if (who != Downstream.SECURITY && refusalTold.compareAndSet(false, true)) {
      LOG.error(
          "a service refuses the gateway's credential",
          Diagnostics.Field.of("service", who),
          Diagnostics.Field.of("status", status));
    }
  }

  /** The answer to a call for a stream: open, with its permit held until it is closed. */
  sealed interface Opened {
    record Open(InputStream events, Runnable release) implements Opened {}

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
    Circuit.Told told = Circuit.Told.NOTHING;
    Circuit.Permit permit = circuit.tryAcquire(kindOf(call, exchange));
    try {
      if (permit == null) {
        return new Opened.Failed(circuitOpen());
      }
      HttpResponse<InputStream> response = send(call, exchange, Deadline.after(firstEvent));
      outcome = Failures.outcomeOf(response.statusCode());
      told = Circuit.of(response.statusCode());
      tellRefusal(response.statusCode());
      ApiError error = refusalOf(response);
      if (error != null) {
        response.body().close();
        return new Opened.Failed(error);
      }
      open = true;
      return new Opened.Open(response.body(), streams::release);
    } catch (IOException failure) {
      ApiError error = Failures.of(who, failure);
      told = Circuit.Told.AWAY;
      outcome = Failures.outcomeOf(error.code());
      return new Opened.Failed(error);
    } finally {
      if (!open) {
        streams.release();
      }
      if (permit != null) {
        permit.end(told);
        metrics.upstreamCall(who, outcome, System.nanoTime() - began);
      }
    }
  }

  private HttpResponse<InputStream> send(Call call, Exchange exchange, Deadline deadline)
      throws IOException, InterruptedException {
    HttpRequest request = outgoing.of(call, exchange, deadline);
    HttpResponse.BodyHandler<InputStream> body = HttpResponse.BodyHandlers.ofInputStream();
    try {
      return http.send(request, body);
    } catch (IOException failure) {
      if (Failures.nothingWasSent(failure) && budget.tryRepeat()) {
        return http.send(request, body);
      }
      throw failure;
    }
  }

  private @Nullable ApiError refusalOf(HttpResponse<InputStream> response) {
    int status = response.statusCode();
    if (status < 200 || status > 299) {
      String retryAfter = response.headers().firstValue("retry-after").orElse(null);
      return Failures.ofStatus(who, status, retryAfter, false);
    }
    String type = response.headers().firstValue("content-type").orElse("");
    String essence = type.split(";", 2)[0].strip();
    return essence.equalsIgnoreCase("text/event-stream")
        ? null
        : new ApiError.FromDownstream(who, ErrorCode.DOWNSTREAM_ERROR);
  }
}
