package luki.gateway.handler;

import java.util.List;
import java.util.function.Function;
import luki.gateway.config.Plan;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Principal;
import luki.gateway.http.Response;
import luki.gateway.json.Json;
import luki.gateway.limit.Limiter;
import luki.gateway.limit.Limiters;

/**
 * What the caller has used, and what remains.
 *
 * @param names by which the limiter knows callers
 */
public record UsageHandler(Limiters limiters, Plan.Catalog plans, Function<Principal, String> names)
    implements Handler {
  private static final long MICROS = 1_000_000;

  @Override
  public Response handle(Exchange exchange) {
    Plan plan = plans.of(exchange.principal().plan());
    try {
      Limiter.Usage usage = limiters.limiter().usage(names.apply(exchange.principal()), plan);
      Json.Builder json = Json.object().put("plan", plan.name());
      Limiter.RateStatus rate = usage.rate();
      if (rate != null) {
        json.put("rate", rate(plan, rate));
      }
      List<Json> quotas = usage.windows().stream().map(UsageHandler::quota).toList();
      return Response.json(200, json.put("quotas", Json.array(quotas)));
    } catch (Limiter.Unavailable outage) {
      return Response.refused(ApiError.retrySoon(ErrorCode.LIMITER_UNAVAILABLE));
    }
  }

  private static Json.Builder rate(Plan plan, Limiter.RateStatus status) {
    return Json.object()
        .put("per_minute", plan.perMinute())
        .put("burst", plan.burst())
        .put("remaining", status.remaining())
        .put("next_in_s", Math.ceilDiv(status.nextTokenMicros(), MICROS));
  }

  private static Json quota(Limiter.Window window) {
    return Json.object()
        .put("meter", window.meter().label())
        .put("window", window.month() ? "month" : "day")
        .put("limit", window.limit())
        .put("used", window.used())
        .put("remaining", Math.max(0, window.limit() - window.used()))
        .put("resets", window.resets().toString())
        .build();
  }
}
