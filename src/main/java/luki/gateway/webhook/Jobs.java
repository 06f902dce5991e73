package luki.gateway.webhook;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
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
    Deliveries.Store store,
    Deliveries deliveries,
    Dispatcher gateway,
    Supplier<String> ids,
    ExecutorService threads) {
  static final int MAX_OPEN_OF_OWNER = 50;
  static final int MAX_OPEN = 1000;
  private static final int MAX_RESULT_BYTES = 1 << 20;
  private static final Diagnostics LOG = new Diagnostics("webhooks");

  /** How long a job waits for its caller's rate, or for room in the gateway. */
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  /** What a stop of the process has left: a job without a result, and a result without a job. */
  void recover() throws IOException, InterruptedException {
    ApiError error = ApiError.of(ErrorCode.INTERNAL);
    Json body = ErrorReply.envelope(error, "0".repeat(32));
    List<Job> running =
        store.registry().openJobs().stream().filter(job -> job.state() == State.RUNNING).toList();
    for (Job job : running) {
      store.results().write(job.id(), result(job, error.status(), body, Json.object().build()));
    }
    store.results().force();
    Instant now = store.clock().instant();
    // Forced together: one after the other, a thousand would take half a minute.
    Registry.await(
        CompletableFuture.allOf(
            running.stream()
                .map(job -> job.pendingUntil(now, now).because("interrupted"))
                .map(job -> store.registry().change(job.id(), _ -> job.json()))
                .toArray(CompletableFuture<?>[]::new)));
    deliveries.forget();
  }

  /** Accepts a job for a request with a callback: 202. */
  Response accept(Exchange exchange, String owner) throws InterruptedException {
    String webhook = exchange.json().pointer("/callback/webhook_id").string("");
    Json to = store.registry().find(webhook);
    if (!to.at("owner").string("").equals(owner)) {
      return Response.refused(ApiError.invalid("/callback/webhook_id", "unknown"));
    }
    String operation = exchange.operation().id();
    String id = Job.PREFIX + ids.get();
    Job job = Job.accepted(id, owner, webhook, operation, store.clock().instant());
    byte[] body = exchange.json().toBuilder().remove("callback").build().bytes();
    ByteBudget.Lease lease = store.memory().lease();
    lease.heldBy(owner);
    boolean accepted = false;
    try {
      lease.take(body.length + Json.memoryOf(body));
      Registry.await(
          store
              .registry()
              .add(
                  id,
                  job.json(),
                  _ -> limit(owner, store.registry().openJobs(), deliveries::isWaiting)));
      // Not this request counts, but the call itself.
      exchange.reservation().end(Units.NONE);
      threads.execute(() -> run(job, exchange, body, lease));
      accepted = true;
      return Response.json(202, job.shown().build());
    } catch (ByteBudget.Exhausted full) {
      return Response.refused(ApiError.retrySoon(ErrorCode.OVERLOADED));
    } finally {
      if (!accepted) {
        lease.close();
        CompletableFuture<Void> _ = store.registry().remove(id, false);
      }
    }
  }

  /** Jobs that wait for their receivers are bounded by themselves: they keep nobody out. */
  static @Nullable ApiError limit(String owner, List<Job> all, Predicate<Job> isWaiting) {
    long open = all.stream().filter(isWaiting.negate()).count();
    long own = all.stream().filter(job -> job.owner().equals(owner)).count();
    ErrorCode code = own >= MAX_OPEN_OF_OWNER ? ErrorCode.RATE_LIMITED : ErrorCode.OVERLOADED;
    return own >= MAX_OPEN_OF_OWNER || open >= MAX_OPEN ? ApiError.retrySoon(code) : null;
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
      Job lost = job.in(State.DEAD, store.clock().instant()).because("lost");
      // If its result was stored after all, it is delivered; else what there is of it is erased
      // soon.
      CompletableFuture<Void> _ =
          store
              .registry()
              .change(
                  job.id(),
                  before -> new Job(before).state() == State.RUNNING ? lost.json() : before);
    }
  }

  /** Makes the call; the pause before it is to be made again where nothing was done yet. */
  private @Nullable Duration call(Job job, Exchange exchange, byte[] body, boolean last)
      throws IOException, InterruptedException {
    try (ByteBudget.Lease lease = store.memory().lease()) {
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
        new Fields.Builder()
            .add("Content-Type", "application/json")
            .add("traceparent", exchange.trace().traceparent())
            .add("X-Request-Id", exchange.id().value())
            .build();
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

  private void answered(Job job, Exchange exchange, Response response)
      throws IOException, InterruptedException {
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
    Json subject = AccessCheck.subjectOf(exchange, withConsent);
    answered(job, status, body, subject, tooLong ? "too_long" : "");
  }

  private static Json parsed(byte[] bytes) {
    try {
      return Json.parseReply(bytes);
    } catch (InvalidJson none) {
      return Json.object().build();
    }
  }

  private void answered(Job job, int status, Json body, Json subject, String reason)
      throws IOException, InterruptedException {
    store.results().write(job.id(), result(job, status, body, subject));
    store.results().force();
    Instant now = store.clock().instant();
    store.put(State.RUNNING, job.pendingUntil(now, now).because(reason));
  }

  private byte[] result(Job job, int status, Json body, Json subject) {
    Json data =
        Json.object()
            .put("job_id", job.id())
            .put("operation", job.json().at("operation"))
            .put("status", status)
            .put("body", body)
            .build();
    String type = status < 300 ? "job.completed" : "job.failed";
    byte[] message = Receiver.message(type, store.clock().instant(), data);
    return Deliveries.stored(subject, message);
  }

  /** The state of a job, with its result while that waits for its delivery. */
  Response poll(String id, String owner) throws IOException, InterruptedException {
    Job job = new Job(store.registry().find(id, owner));
    try (ByteBudget.Lease lease = store.memory().lease()) {
      byte[] message = job.state() == State.PENDING ? deliveries.open(job, lease) : null;
      Json.Builder shown = store.job(id).shown();
      if (message != null) {
        shown.put("result", parsed(message).at("data"));
      }
      return Response.json(200, shown.build());
    } catch (ByteBudget.Exhausted full) {
      throw new ApiException(ApiError.retrySoon(ErrorCode.OVERLOADED));
    }
  }
}
