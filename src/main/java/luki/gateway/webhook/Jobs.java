package luki.gateway.webhook;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Predicate;
import java.util.function.Supplier;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Body;
import luki.gateway.http.Dispatcher;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.ErrorReply;
import luki.gateway.http.Exchange;
import luki.gateway.http.Method;
import luki.gateway.http.Policy.ConsentRule;
import luki.gateway.http.Policy.Units;
import luki.gateway.http.Query;
import luki.gateway.http.Request;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Delivery;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.observe.Diagnostics;
import luki.gateway.webhook.Job.State;
import luki.http1.ByteBudget;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/**
 * Makes the calls of jobs: each is a request of the same caller to the same operation, without its
 * callback, which passes all steps again and is limited, logged and billed by itself. Its input is
 * never stored. A call that was begun is not made again: after a crash its job has failed.
 */
record Jobs(
    Registry registry,
    Deliveries deliveries,
    Dispatcher gateway,
    ByteBudget memory,
    Clock clock,
    Supplier<String> ids,
    ExecutorService threads) {
  static final int MAX_OPEN_OF_OWNER = 50;
  static final int MAX_OPEN = 1000;
  private static final int MAX_RESULT_BYTES = 1 << 20;
  private static final Diagnostics LOG = new Diagnostics("webhooks");

  /** How long a job waits for its caller's rate, or for room in the gateway. */
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  /** What a stop of the process has left: a job without a result, and a result without a job. */
  void recover() throws IOException {
    ApiError error = ApiError.of(ErrorCode.INTERNAL);
    Json body = ErrorReply.envelope(error, "0".repeat(32));
    Instant now = clock.instant();
    for (Job job : registry.openJobs()) {
      if (job.state() == State.RUNNING) {
        registry.results.write(job.id(), message(job, error.status(), body));
        // In memory: a start that does not get as far as this does it again.
        registry.put(job.id(), job.pendingUntil(now, now).because("interrupted").json());
      }
    }
  }

  /** Accepts a job for a request with a callback: 202. */
  Response accept(Exchange exchange, String owner) {
    String webhook = exchange.json().pointer("/callback/webhook_id").string("");
    Json to = registry.find(webhook);
    if (!to.at("owner").string("").equals(owner)) {
      return Response.refused(ApiError.invalid("/callback/webhook_id", "unknown"));
    }
    String operation = exchange.operation().id();
    String id = Job.PREFIX + ids.get();
    Job job = Job.accepted(id, owner, webhook, operation, clock.instant());
    byte[] body = exchange.json().toBuilder().remove("callback").build().bytes();
    ByteBudget.Lease lease = memory.lease();
    lease.heldBy(owner);
    if (!lease.tryTake(body.length + Json.memoryOf(body))) {
      return Response.refused(ApiError.retrySoon(ErrorCode.OVERLOADED));
    }
    try {
      Json _ =
          registry.change(
              id,
              _ -> {
                limit(owner, registry.openJobs(), deliveries::isWaiting);
                return job.json();
              });
      // Not this request counts, but the call itself.
      exchange.reservation().end(Units.NONE);
      threads.execute(() -> run(job, exchange, body, lease));
      return Response.json(202, job.shown().build());
    } catch (RejectedExecutionException closed) {
      lease.close();
      // The caller gets 503, so no job may be left that is reported as interrupted later.
      Json _ = registry.change(id, _ -> Json.MISSING);
      throw new ApiException(ApiError.retrySoon(ErrorCode.DRAINING));
    } catch (RuntimeException refused) {
      lease.close();
      throw refused;
    }
  }

  /** Jobs that wait for their receivers are bounded by themselves: they keep nobody out. */
  static void limit(String owner, List<Job> all, Predicate<Job> isWaiting) {
    if (all.stream().filter(job -> job.owner().equals(owner)).count() >= MAX_OPEN_OF_OWNER) {
      throw new ApiException(ApiError.retrySoon(ErrorCode.RATE_LIMITED));
    }
    if (all.stream().filter(isWaiting.negate()).count() >= MAX_OPEN) {
      throw new ApiException(ApiError.retrySoon(ErrorCode.OVERLOADED));
    }
  }

  private void run(Job job, Exchange exchange, byte[] body, ByteBudget.Lease held) {
    try (held) {
      long end = System.nanoTime() + PATIENCE.toNanos();
      Duration pause = call(job, exchange, body, false);
      while (pause != null) {
        Thread.sleep(pause);
        pause = call(job, exchange, body, System.nanoTime() - end > 0);
      }
      deliveries.deliverDue();
    } catch (InterruptedException closing) {
      // The next start says that it was interrupted.
      Thread.currentThread().interrupt();
    } catch (IOException | RuntimeException failure) {
      if (threads.isShutdown()) {
        return;
      }
      LOG.error("the result of a job cannot be stored", Diagnostics.Field.reason(failure));
      Job lost = job.in(State.DEAD, clock.instant()).because("lost");
      registry.changeEventually(job.id(), lost.from(State.RUNNING));
    }
  }

  /** Makes the call; the pause before it is to be made again where nothing was done yet. */
  private @Nullable Duration call(Job job, Exchange exchange, byte[] body, boolean last)
      throws IOException, InterruptedException {
    try (ByteBudget.Lease lease = memory.lease()) {
      Response response =
          gateway.dispatch(request(exchange, body), exchange.route().template(), lease);
      Delivery.End end = Delivery.End.ABORTED;
      try {
        ApiError refusal = response.outcome().refusal();
        Duration pause = last ? null : pauseAfter(refusal);
        if (threads.isShutdown() || (refusal != null && refusal.code() == ErrorCode.DRAINING)) {
          throw new InterruptedException("the process ends");
        }
        if (pause == null) {
          answered(job, exchange, response);
        }
        end = Delivery.End.COMPLETE;
        return pause;
      } finally {
        int bytes = response.body() instanceof Body.Bytes whole ? whole.bytes().length : 0;
        response.onComplete().accept(new Delivery(end, response.status(), bytes, null));
      }
    }
  }

  private static Request request(Exchange exchange, byte[] body) {
    Fields own =
        Fields.of(
            "Content-Type", "application/json",
            "traceparent", exchange.trace().traceparent(),
            "X-Request-Id", exchange.id().value());
    return exchange.request().forSameCaller(Method.POST, Query.NONE, own, body, () -> {});
  }

  private static @Nullable Duration pauseAfter(@Nullable ApiError error) {
    if (error == null
        || (error.code() != ErrorCode.RATE_LIMITED && error.code() != ErrorCode.OVERLOADED)) {
      return null;
    }
    Duration wait = error.retryAfter();
    return wait == null || wait.isZero() ? Duration.ofSeconds(1) : wait;
  }

  private void answered(Job job, Exchange exchange, Response response) throws IOException {
    byte[] bytes = Body.bytesOf(response.body());
    boolean tooLong = bytes.length > MAX_RESULT_BYTES;
    ApiError internal = ApiError.of(ErrorCode.INTERNAL);
    int status = tooLong ? internal.status() : response.status();
    Json body = tooLong ? ErrorReply.envelope(internal, exchange.trace().traceId()) : parsed(bytes);
    ConsentRule rule = exchange.policy().consent();
    boolean withConsent =
        rule != null
            && status < 300
            && (rule.askedBy() == ConsentRule.AskedBy.FILTER
                || body.pointer("/meta/memory").string("").equals("used"));
    Job answered =
        job.of(AccessCheck.accessOf(exchange, withConsent)).because(tooLong ? "too_long" : "");
    registry.results.write(job.id(), message(job, status, body));
    Instant now = clock.instant();
    // It is there and can be delivered, however long its state cannot be written.
    registry.changeEventually(job.id(), answered.pendingUntil(now, now).from(State.RUNNING));
  }

  private static Json parsed(byte[] bytes) {
    try {
      return Json.parseReply(bytes);
    } catch (InvalidJson none) {
      return Json.object().build();
    }
  }

  private byte[] message(Job job, int status, Json body) {
    Json data =
        Json.object()
            .put("job_id", job.id())
            .put("operation", job.json().at("operation"))
            .put("status", status)
            .put("body", body)
            .build();
    String type = status < 300 ? "job.completed" : "job.failed";
    return Receiver.message(type, clock.instant(), data);
  }

  /** The state of a job, with its result while that waits for its delivery. */
  Response poll(String id, String owner) throws IOException, InterruptedException {
    Job job = new Job(Registry.owned(registry.find(id), owner));
    try (ByteBudget.Lease lease = memory.lease()) {
      byte[] message = job.state() == State.PENDING ? deliveries.open(job, lease) : null;
      Json.Builder shown = registry.job(id).shown();
      if (message != null) {
        shown.put("result", parsed(message).at("data"));
      }
      return Response.json(200, shown.build());
    } catch (ByteBudget.Exhausted full) {
      throw new ApiException(ApiError.retrySoon(ErrorCode.OVERLOADED));
    }
  }
}
