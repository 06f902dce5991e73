package luki.gateway.filter;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import luki.gateway.config.Plan;
import luki.gateway.config.Settings;
import luki.gateway.http.ApiError;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Exchange.QuotaReservation;
import luki.gateway.http.Policy.Limits;
import luki.gateway.http.Policy.Meter;
import luki.gateway.http.Policy.Units;
import luki.gateway.http.Response;
import luki.gateway.keys.KeyedHash;
import luki.gateway.limit.GlobalLimit;
import luki.gateway.limit.Limiter;
import luki.gateway.limit.LimiterReservation;
import luki.gateway.limit.Limiters;
import luki.gateway.observe.Label.LimitDecision;
import luki.gateway.observe.Label.LimitName;
import luki.gateway.observe.Metrics;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/**
 * Takes the cost of a call from the bucket of all callers and from the caller's own (that of its
 * address where a public operation has a cost), and reserves the units that it counts as in the
 * caller's quotas, in one step for each caller. When a quota is used up {@link EnforceQuota}
 * refuses the call, after all other checks of the request.
 */
public record RateLimitCaller(
    Limiters limiters, Plan.Catalog plans, Settings settings, KeyedHash hash, Metrics metrics)
    implements Filter {
  private static final long MICROS = 1_000_000;

  @Override
  public Response apply(Exchange exchange, Next next) {
    Limits limits = exchange.policy().limits();
    if (exchange.policy().isPublic() && limits.cost() == 0) {
      return next.handle(exchange);
    }
    return switch (limiters.global().take(limits.cost())) {
      case GlobalLimit.Result.RateLimited(long waitMicros) ->
          refused(metrics, LimitName.GLOBAL, waitMicros);
      case GlobalLimit.Result.Unavailable _ -> unavailable(LimitName.GLOBAL);
      case GlobalLimit.Result.Admitted global -> ofCaller(exchange, next, global);
    };
  }

  private Response ofCaller(Exchange exchange, Next next, GlobalLimit.Result global) {
    Limits limits = exchange.policy().limits();
    Plan plan = plans.of(exchange.policy().isPublic() ? null : exchange.principal().plan());
    boolean streams = limits.meters().contains(Meter.STREAMED_CHARACTERS);
    Limiter.Decision decision = admit(exchange, plan, limits.units(), streams);
    Response response =
        switch (decision) {
          case Limiter.Decision.Admitted admitted -> {
            LimiterReservation reservation =
                new LimiterReservation(limiters.limiter(), admitted.reservation(), limits.units());
            // A call that did not begin or that failed costs no quota.
            yield allowed(exchange, next, reservation).onComplete(_ -> reservation.end(Units.NONE));
          }
          case Limiter.Decision.QuotaExceeded exceeded ->
              allowed(exchange, next, new LimiterReservation.QuotaExceeded(retryAfter(exceeded)));
          case Limiter.Decision.RateLimited limited -> {
            limiters.global().giveBack(limits.cost(), global);
            yield refused(metrics, LimitName.USER, limited.rate().waitMicros());
          }
          case Limiter.Decision.Unavailable _ -> {
            limiters.global().giveBack(limits.cost(), global);
            yield unavailable(LimitName.USER);
          }
        };
    return withRateLimit(response, plan, decision.rate());
  }

  private Limiter.Decision admit(Exchange exchange, Plan plan, Units units, boolean streams) {
    String caller =
        exchange.policy().isPublic()
            ? "address:" + new ClientAddress(settings).of(exchange.request())
            : exchange.principal().limitedAs();
    int cost = exchange.policy().limits().cost();
    return limiters
        .limiter()
        .admit(new Limiter.Call(hash.shortOf(caller), plan, cost, units, streams));
  }

  /**
   * Counts what {@link AuthorizeScope} refuses as calls of its caller. The refusal stays, also
   * beyond the rate: a missing scope comes before the rate in the precedence of errors.
   */
  public record CountScopeDenials(RateLimitCaller rate) implements Filter {
    @Override
    public Response apply(Exchange exchange, Next next) {
      Response response = next.handle(exchange);
      if (!(response.outcome().refusal() instanceof ApiError.MissingScope)) {
        return response;
      }
      Plan plan = rate.plans.of(exchange.principal().plan());
      return withRateLimit(response, plan, rate.admit(exchange, plan, Units.NONE, false).rate());
    }
  }

  private Response allowed(Exchange exchange, Next next, QuotaReservation reservation) {
    metrics.rateLimit(LimitName.USER, LimitDecision.ALLOWED);
    return next.handle(exchange.spending(reservation));
  }

  /** The time until the quota is reset, and not less than until the next token of the rate. */
  private static Duration retryAfter(Limiter.Decision.QuotaExceeded exceeded) {
    Duration quota = exceeded.untilReset();
    Duration token = Duration.of(exceeded.rate().nextTokenMicros(), ChronoUnit.MICROS);
    return quota.compareTo(token) > 0 ? quota : token;
  }

  /** draft-ietf-httpapi-ratelimit-headers: the policy and the state of the limit. */
  private static Response withRateLimit(
      Response response, Plan plan, Limiter.@Nullable RateStatus rate) {
    if (rate == null || !rate.isLimited()) {
      return response;
    }
    long seconds = Math.ceilDiv(rate.nextTokenMicros(), MICROS);
    return response.with(
        Fields.of(
            "RateLimit-Policy", "\"user\";q=" + plan.perMinute() + ";w=60",
            "RateLimit", "\"user\";r=" + rate.remaining() + ";t=" + seconds));
  }

  static Response refused(Metrics metrics, LimitName limit, long micros) {
    metrics.rateLimit(limit, LimitDecision.REFUSED);
    return Response.refused(
        ApiError.of(ErrorCode.RATE_LIMITED, Duration.of(micros, ChronoUnit.MICROS)));
  }

  private Response unavailable(LimitName limit) {
    metrics.rateLimit(limit, LimitDecision.UNAVAILABLE);
    return Response.refused(ApiError.retrySoon(ErrorCode.LIMITER_UNAVAILABLE));
  }
}
