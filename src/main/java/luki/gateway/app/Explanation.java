package luki.gateway.app;

import java.io.ByteArrayInputStream;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import luki.gateway.config.Settings;
import luki.gateway.filter.BrowserCredentials;
import luki.gateway.filter.Errors;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Body;
import luki.gateway.http.Chain;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.IdempotencyKey;
import luki.gateway.http.Method;
import luki.gateway.http.Policy.ConsentRule;
import luki.gateway.http.Query;
import luki.gateway.http.Request;
import luki.gateway.http.Response;
import luki.gateway.http.Route;
import luki.gateway.http.Scope;
import luki.gateway.http.Target;
import luki.gateway.http.Upstream;
import luki.gateway.idempotency.EnforceIdempotency;
import luki.gateway.json.Json;
import luki.gateway.json.JsonSchema;
import luki.gateway.keys.KeyEntry;
import luki.gateway.server.ExchangeReader;
import luki.http1.ByteBudget;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/**
 * Sends a request through the steps of the filter chain and notes the verdict of each that can
 * refuse. No service is called: a step that depends on one, or on what a running gateway has
 * counted, is named and not checked.
 *
 * @param signer signs claims as a token that the filters accept as an end user's
 */
public record Explanation(
    ExchangeReader reader, FilterChain filters, Function<Json, String> signer) {
  private static final Duration TOKEN_LIFE = Duration.ofMinutes(10);

  /** The request that is to be explained. */
  public record Question(
      String method, String target, Fields headers, @Nullable Json claims, @Nullable Body body) {}

  /** What one step made of the request. */
  public record Verdict(String step, String text) {}

  /** What became of the request; there is no refusal when every step let it pass. */
  public record Result(List<Verdict> verdicts, @Nullable ApiError refusal) {
    public Result {
      verdicts = List.copyOf(verdicts);
    }
  }

  /** The claims as an issuer would have written them, with those added that are missing. */
  static Json completed(Json claims, Settings.Jwt jwt, Clock clock) {
    Json.Builder whole = Json.object();
    whole.put("iss", jwt.issuer() == null ? "explain" : jwt.issuer());
    whole.put("aud", jwt.audience());
    whole.put("exp", clock.instant().plus(TOKEN_LIFE).getEpochSecond());
    claims.members().forEach(whole::put);
    return whole.build();
  }

  /** All steps, those that refuse nothing included. */
  public List<Chain.Step> steps() {
    return filters.steps();
  }

  public Result of(Question question) {
    Exchange exchange = exchange(question);
    List<Verdict> verdicts = new ArrayList<>();
    List<Chain.Step> steps =
        steps().stream()
            .filter(step -> !step.refusals().isEmpty())
            .map(step -> step.with(watched(step, verdicts)))
            .toList();
    ApiError refusal = new Chain(steps, Errors::of).handle(exchange).outcome().refusal();
    if (refusal == null && exchange.route() instanceof Route.Served served) {
      Upstream who = served.operation().upstream();
      Settings settings = filters.parts().configuration().settings();
      if (who != null && !settings.services().contains(who)) {
        String unset = who.label() + " has no URL";
        if (settings.dev()) {
          // make run tells only its own process where its stand-ins are.
          verdicts.add(new Verdict("Handler", unset + " here; make run calls a stand-in"));
        } else {
          refusal = new ApiError.FromUpstream(who, ErrorCode.DOWNSTREAM_NOT_CONFIGURED);
          verdicts.add(
              new Verdict("Handler", refusal.status() + " " + refusal.code() + ": " + unset));
        }
      } else {
        verdicts.add(new Verdict("Handler", handlerOf(served)));
      }
    }
    return new Result(verdicts, refusal);
  }

  private Exchange exchange(Question question) {
    Fields headers = question.headers;
    if (question.claims != null) {
      headers = headers.with("Authorization", "Bearer " + signer.apply(question.claims));
    }
    if (question.body != null && !headers.has("Content-Type")) {
      headers = headers.with("Content-Type", "application/json");
    }
    byte[] body = Body.bytesOf(question.body == null ? Body.EMPTY : question.body);
    Request.Input input = new Request.Input(new ByteArrayInputStream(body), body.length);
    Query query =
        Target.parse(question.target).map(at -> Query.parse(at.rawQuery())).orElse(Query.NONE);
    Request request = new Request(Method.of(question.method), query, headers, input, "", () -> {});
    Exchange exchange = reader.read(request, question.target, ByteBudget.unlimited());
    return exchange.route() instanceof Route.Served served
        ? exchange.to(request, served.with(handlerLike(served.handler())), null)
        : exchange;
  }

  /** One that makes no call; a step decides by its kind. */
  private static Handler handlerLike(Handler handler) {
    Handler.ForBrowsers answer = _ -> Response.empty(204);
    return handler instanceof Handler.ForBrowsers ? answer : _ -> Response.empty(204);
  }

  /** What can be said of a step that decides by what a running gateway has counted or kept. */
  private static String ofLive(Chain.Step step, Exchange exchange) {
    if (!(step.filter() instanceof EnforceIdempotency)) {
      return "not checked offline";
    }
    return IdempotencyKey.of(exchange) == null
        ? "pass: no Idempotency-Key"
        : "not checked offline: the first request with this key is processed, a repeat gets its reply";
  }

  /** The step's filter, with a note that it passed the request on or what it answered instead. */
  private Filter watched(Chain.Step step, List<Verdict> verdicts) {
    if (step.live()) {
      return (exchange, next) -> {
        verdicts.add(new Verdict(step.name(), ofLive(step, exchange)));
        return next.handle(exchange);
      };
    }
    return (exchange, next) -> {
      boolean[] passed = {false};
      try {
        Response response =
            step.filter()
                .apply(
                    exchange,
                    onward -> {
                      passed[0] = true;
                      verdicts.add(new Verdict(step.name(), passed(exchange, onward)));
                      return next.handle(onward);
                    });
        ApiError refusal = response.outcome().refusal();
        if (!passed[0] && refusal != null) {
          verdicts.add(refused(step, refusal, exchange));
        }
        return response;
      } catch (ApiException refusal) {
        verdicts.add(refused(step, refusal.error(), exchange));
        throw refusal;
      }
    };
  }

  /** What a step has found out while it let the request pass. */
  private static String passed(Exchange before, Exchange after) {
    if (!after.principal().equals(before.principal())) {
      return "pass: " + after.principal().kind().label() + " " + after.principal().subject();
    }
    if (after.subject() != null && before.subject() == null) {
      return "pass: acts for " + after.user().value();
    }
    Exchange.ConsentGiven consent = after.consent();
    return consent != null && before.consent() == null
        ? "not asked offline: the security service must allow "
            + String.join(", ", consent.scopes())
        : "pass";
  }

  private Verdict refused(Chain.Step step, ApiError error, Exchange exchange)
      throws InterruptedException {
    String detail =
        switch (error) {
          case ApiError.Invalid invalid ->
              invalid.details().stream()
                  .map(Explanation::described)
                  .collect(Collectors.joining(","));
          case ApiError.MissingScope missing ->
              " needs " + String.join(", ", Scope.names(missing.needed()));
          case ApiError.WrongMethod wrong ->
              " has "
                  + wrong.allowed().stream().map(Method::name).collect(Collectors.joining(", "));
          case ApiError.Unauthenticated wrong
              when wrong.credentialPresented() && !(step.filter() instanceof BrowserCredentials) ->
              ": " + filters.authenticate().whyRefused(exchange);
          case ApiError.Plain plain when plain.code() == ErrorCode.NOT_OWNER ->
              ": the caller acts for "
                  + String.join(", ", KeyEntry.namesOf(exchange.principal().users()));
          case ApiError.Plain plain when plain.code() == ErrorCode.IDENTITY_UNAVAILABLE ->
              ": only a running gateway fetches the issuer's keys; give the token's claims";
          case ApiError.Plain _,
              ApiError.Specific _,
              ApiError.Unauthenticated _,
              ApiError.FromUpstream _ ->
              // This step refuses nothing but tickets, which only a running gateway can redeem.
              step.filter() instanceof BrowserCredentials
                  ? ": give the credential and the query that the ticket was issued for"
                  : "";
        };
    return new Verdict(step.name(), error.status() + " " + error.code() + detail);
  }

  private static String described(JsonSchema.Violation wrong) {
    String where =
        wrong.line() > 0
            ? "line %d, column %d".formatted(wrong.line(), wrong.column())
            : wrong.pointer();
    return " " + where + ": " + wrong.rule();
  }

  private String handlerOf(Route.Served route) {
    Upstream upstream = route.operation().upstream();
    ConsentRule rule = route.policy().consent();
    String who =
        upstream == null
            ? "the gateway itself"
            : "calls " + filters.parts().configuration().file().described(upstream);
    return rule == null || rule.askedBy() == ConsentRule.AskedBy.FILTER
        ? who
        : who
            + "; without consent to "
            + String.join(", ", rule.scopes())
            + " it answers with less";
  }
}
