package luki.gateway.filter;

import java.io.IOException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import luki.gateway.config.Plan;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Filter;
import luki.gateway.http.Handler;
import luki.gateway.http.Policy.Limits;
import luki.gateway.http.Policy.Meter;
import luki.gateway.http.Policy.Units;
import luki.gateway.http.Response;
import luki.gateway.keys.KeyedHash;
import luki.gateway.limit.GlobalLimit;
import luki.gateway.limit.Limiter;
import luki.gateway.limit.LimiterReservation;
import luki.gateway.limit.Plans;
import luki.gateway.limit.RateStatus;
import luki.gateway.observe.Label.LimitDecision;
import luki.gateway.observe.Label.LimitName;
import luki.gateway.observe.Metrics;
import luki.http1.Fields;

/**
 * Takes a call's weight from the bucket of all callers and from its own, and holds back what it
 * counts as in the caller's quotas: all of a caller's in one step. Whether a quota was used up is
 * told further in, after everything else that may be wrong with the request.
 */
public final class RateLimitCaller implements Filter {
  private static final long MICROS = 1_000_000;

  private final Limiter limiter;
  private final GlobalLimit global;
  private final Plans plans;
  private final KeyedHash hash;
  private final Metrics metrics;

  public RateLimitCaller(
      Limiter limiter, GlobalLimit global, Plans plans, KeyedHash hash, Metrics metrics) {
    this.limiter = limiter;
    this.global = global;
    this.plans = plans;
    this.hash = hash;
    this.metrics = metrics;
  }

  @Override
  public Response apply(Exchange exchange, Handler next) throws IOException, InterruptedException {
    if (exchange.policy().isPublic()) {
      return next.handle(exchange);
    }
    Limits limits = exchange.policy().limits();
    GlobalLimit.Grant grant = global.take(limits.cost());
    switch (grant) {
      case GlobalLimit.Grant.Wait(long micros) -> {
        metrics.rateLimit(LimitName.GLOBAL, LimitDecision.REFUSED);
        return refused(micros);
      }
      case GlobalLimit.Grant.Unavailable _ -> {
        metrics.rateLimit(LimitName.GLOBAL, LimitDecision.UNAVAILABLE);
        return Response.refused(ApiError.retrySoon(ErrorCode.LIMITER_UNAVAILABLE));
      }
      case GlobalLimit.Grant.Taken _ -> {}
    }
    Plan plan = plans.of(exchange.principal().plan());
    Limiter.Verdict verdict =
        limiter.admit(
            new Limiter.Demand(
                hash.shortOf(exchange.principal().limitedAs()),
                plan,
                limits.cost(),
                limits.units(),
                limits.meters().contains(Meter.STREAMED_CHARACTERS)));
    return decided(exchange, next, plan, verdict, grant);
  }

  private Response decided(
      Exchange exchange, Handler next, Plan plan, Limiter.Verdict verdict, GlobalLimit.Grant grant)
      throws IOException, InterruptedException {
    Limits limits = exchange.policy().limits();
    Response response =
        switch (verdict) {
          case Limiter.Verdict.Admitted admitted -> {
            metrics.rateLimit(LimitName.USER, LimitDecision.ALLOWED);
            LimiterReservation account =
                new LimiterReservation(limiter, admitted.hold(), limits.units());
            // What was not begun, or failed, is free again.
            yield next.handle(exchange.spending(account)).onComplete(_ -> account.end(Units.NONE));
          }
          case Limiter.Verdict.QuotaExceeded usedUp -> {
            metrics.rateLimit(LimitName.USER, LimitDecision.ALLOWED);
            yield next.handle(
                exchange.spending(new LimiterReservation.QuotaExceeded(leftOf(usedUp))));
          }
          case Limiter.Verdict.RateLimited tooFast -> {
            global.giveBack(limits.cost(), grant);
            metrics.rateLimit(LimitName.USER, LimitDecision.REFUSED);
            yield refused(tooFast.rate().waitMicros());
          }
          case Limiter.Verdict.Unavailable _ -> {
            global.giveBack(limits.cost(), grant);
            metrics.rateLimit(LimitName.USER, LimitDecision.UNAVAILABLE);
            yield Response.refused(ApiError.retrySoon(ErrorCode.LIMITER_UNAVAILABLE));
          }
        };
    RateStatus rate = verdict.rate();
    return rate == null || !rate.isLimited() ? response : told(response, plan, rate);
  }

  /** Until the quota begins anew; and not less than the rate says. */
  private static Duration leftOf(Limiter.Verdict.QuotaExceeded usedUp) {
    Duration quota = Duration.between(usedUp.now(), usedUp.resets());
    RateStatus rate = usedUp.rate();
    Duration one = Duration.of(rate == null ? 0 : rate.nextTokenMicros(), ChronoUnit.MICROS);
    return quota.compareTo(one) > 0 ? quota : one;
  }

  /** draft-ietf-httpapi-ratelimit-headers: the policy, and how the caller stands with it. */
  private static Response told(Response response, Plan plan, RateStatus rate) {
    long seconds = Math.ceilDiv(rate.nextTokenMicros(), MICROS);
    return response.with(
        Fields.of(
            "RateLimit-Policy", "\"user\";q=" + plan.perMinute() + ";w=60",
            "RateLimit", "\"user\";r=" + rate.remaining() + ";t=" + seconds));
  }

  private static Response refused(long micros) {
    return Response.refused(
        ApiError.of(ErrorCode.RATE_LIMITED, Duration.of(micros, ChronoUnit.MICROS)));
  }
}
