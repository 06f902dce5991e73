package luki.gateway.app;

import java.io.ByteArrayInputStream;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import luki.gateway.config.Settings;
import luki.gateway.contract.Router;
import luki.gateway.filter.Errors;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Body;
import luki.gateway.http.Chain;
import luki.gateway.http.Deadline;
import luki.gateway.http.Exchange;
import luki.gateway.http.Filter;
import luki.gateway.http.Ids;
import luki.gateway.http.Method;
import luki.gateway.http.Policy.ConsentRule;
import luki.gateway.http.Query;
import luki.gateway.http.Request;
import luki.gateway.http.Response;
import luki.gateway.http.Route;
import luki.gateway.http.Target;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/**
 * Sends a request through the gateway's own gates, one after the other, and notes what each makes
 * of it. Nothing is called: what needs another service is told and not asked.
 */
public final class Explanation {
  private static final Duration TIME = Duration.ofSeconds(10);
  private static final Duration GOOD_FOR = Duration.ofMinutes(10);

  private final Router router;
  private final List<Filter> gates;
  private final Function<Json, String> signer;
  private final Clock clock;

  /**
   * Makes one.
   *
   * @param signer makes a token of claims that the gates take as an end user's
   */
  Explanation(Router router, List<Filter> gates, Function<Json, String> signer, Clock clock) {
    this.router = router;
    this.gates = List.copyOf(gates);
    this.signer = signer;
    this.clock = clock;
  }

  /** A request as somebody would send it. */
  public record Asked(
      String method, String target, Fields headers, @Nullable Json claims, @Nullable Body body) {}

  /** What one gate said. */
  public record Step(String gate, String verdict) {}

  /**
   * What became of the request.
   *
   * @param refusal null when every gate let it pass
   */
  public record Told(List<Step> steps, @Nullable ApiError refusal) {
    public Told {
      steps = List.copyOf(steps);
    }
  }

  /** The claims as the issuer would have written them, where somebody left the obvious out. */
  static Json completed(Json claims, Settings.Jwt jwt, Clock clock) {
    Json.Builder whole = Json.object();
    whole.put("iss", jwt.issuer() == null ? "explain" : jwt.issuer());
    whole.put("aud", jwt.audience());
    whole.put("exp", clock.instant().plus(GOOD_FOR).getEpochSecond());
    claims.members().forEach(whole::put);
    return whole.build();
  }

  public Told of(Asked asked) {
    Method method = Method.of(asked.method);
    Target target = Target.parse(asked.target).orElse(null);
    List<Step> steps = new ArrayList<>();
    Router.Match match = router.match(method, asked.target, target);
    if (target == null || !(match.route() instanceof Route.Served served)) {
      ApiError why =
          match.route() instanceof Route.Refused(_, _, var error)
              ? error
              : ApiError.invalid("", "path");
      return new Told(List.of(refused("Route", why)), why);
    }
    Exchange exchange = exchange(asked, method, target, match, served);
    steps.add(new Step("Route", served.operation().id()));
    List<Filter> watched = gates.stream().<Filter>map(gate -> watched(gate, steps)).toList();
    Response response = new Chain(watched, new Errors()).handle(exchange);
    ApiError refusal = response.outcome().refusal();
    if (refusal == null) {
      beyond(served, steps);
    }
    return new Told(steps, refusal);
  }

  private Exchange exchange(
      Asked asked, Method method, Target target, Router.Match match, Route.Served served) {
    Fields headers = asked.headers;
    if (asked.claims != null) {
      headers = headers.with("Authorization", "Bearer " + signer.apply(asked.claims));
    }
    if (asked.body != null && !headers.has("Content-Type")) {
      headers = headers.with("Content-Type", "application/json");
    }
    Body body = asked.body == null ? Body.EMPTY : asked.body;
    Request request =
        new Request(
            method,
            Query.parse(target.rawQuery()),
            headers,
            new ByteArrayInputStream(Body.bytesOf(body)),
            Body.bytesOf(body).length,
            "");
    long now = System.nanoTime();
    Ids ids = new Ids(ThreadLocalRandom::current);
    return new Exchange(
        ids.requestId(headers),
        ids.trace(headers),
        clock.instant(),
        now,
        request,
        served.with(_ -> Response.empty(204)),
        match.parameters(),
        Exchange.Resolved.nothing(Deadline.after(TIME)));
  }

  /** Notes that a gate passed the request on, or what it answered instead. */
  private static Filter watched(Filter gate, List<Step> steps) {
    String name = gate.getClass().getSimpleName();
    return (exchange, next) -> {
      boolean[] passed = {false};
      try {
        Response response =
            gate.apply(
                exchange,
                onward -> {
                  passed[0] = true;
                  steps.add(new Step(name, "pass" + resolved(exchange, onward)));
                  return next.handle(onward);
                });
        ApiError refusal = response.outcome().refusal();
        if (!passed[0] && refusal != null) {
          steps.add(refused(name, refusal));
        }
        return response;
      } catch (ApiException refusal) {
        steps.add(refused(name, refusal.error()));
        throw refusal;
      }
    };
  }

  private static String resolved(Exchange before, Exchange after) {
    if (!after.principal().equals(before.principal())) {
      return ": " + after.principal().kind() + " " + after.principal().subject();
    }
    return after.subject() != null && before.subject() == null
        ? ": acts for " + after.user().value()
        : "";
  }

  private static Step refused(String gate, ApiError error) {
    String detail =
        switch (error) {
          case ApiError.Invalid invalid -> " " + invalid.details();
          case ApiError.MissingScope missing -> " needs " + missing.needed();
          case ApiError.WrongMethod wrong -> " has " + wrong.allowed();
          case ApiError.Plain _,
              ApiError.Unauthenticated _,
              ApiError.FromUpstream _,
              ApiError.StoppedResponding _ ->
              "";
        };
    return new Step(gate, error.status() + " " + error.code() + detail);
  }

  private static void beyond(Route.Served route, List<Step> steps) {
    ConsentRule rule = route.policy().consent();
    steps.add(
        new Step(
            "AskConsent",
            rule == null
                ? "nothing to ask"
                : "not asked offline: the security service must allow "
                    + String.join(", ", rule.scopes())
                    + (rule.askedBy() == ConsentRule.AskedBy.HANDLER
                        ? ", or it goes on without"
                        : "")));
    Upstream upstream = route.operation().upstream();
    steps.add(
        new Step("Handler", upstream == null ? "the gateway itself" : "calls " + upstream.label()));
  }
}
