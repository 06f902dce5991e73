package luki.gateway.webhook;

import java.io.InputStream;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.Supplier;
import luki.gateway.consent.Consent;
import luki.gateway.http.ApiError;
import luki.gateway.http.Deadline;
import luki.gateway.http.Exchange;
import luki.gateway.http.Ids;
import luki.gateway.http.Method;
import luki.gateway.http.Policy.ConsentRule;
import luki.gateway.http.Principal;
import luki.gateway.http.Principal.Users;
import luki.gateway.http.Query;
import luki.gateway.http.Request;
import luki.gateway.http.Route;
import luki.gateway.http.UserId;
import luki.gateway.json.Json;
import luki.http1.ByteBudget;
import luki.http1.Fields;

/**
 * Whether a result may still be given to the caller of its job. A key is looked up again, with its
 * rights of now; a token cannot be revoked, and what it was valid for was answered in its time. The
 * user is asked for consent again where the result depends on it.
 *
 * @param consent who is asked, as of now
 * @param refusal why the caller of a request, with the rights of now, may not have an answer
 * @param routes as of now
 */
public record AccessCheck(
    Supplier<Consent> consent,
    Function<Exchange, Optional<ApiError>> refusal,
    Supplier<List<Route.Served>> routes,
    Clock clock) {
  private static final Duration TIME = Duration.ofSeconds(10);

  /** What was found. */
  enum Verdict {
    ALLOWED,
    ACCESS_LOST,
    CONSENT_WITHDRAWN,
    /** The user cannot be asked now. */
    UNKNOWN
  }

  /** What has to be known of a request for it. */
  static Json accessOf(Exchange exchange, boolean withConsent) {
    Principal caller = exchange.principal();
    UserId user = exchange.subject();
    return Json.object()
        .put("kind", caller.kind().label())
        .put("key", caller instanceof Principal.Key key ? key.id() : "")
        .put("account", caller.account())
        .put("subject", caller.subject())
        .put("user", user == null ? "" : user.value())
        .put("consent", withConsent)
        .build();
  }

  /** Of a job whose call was interrupted, nothing has to be known. */
  Verdict check(Job job) throws InterruptedException {
    Json access = job.json().at("access");
    if (access.isMissing()) {
      return Verdict.ALLOWED;
    }
    Json operation = job.json().at("operation");
    Optional<Route.Served> route =
        routes.get().stream()
            .filter(each -> Json.of(each.operation().id()).equals(operation))
            .findFirst();
    if (route.isEmpty()) {
      return Verdict.ACCESS_LOST;
    }
    Exchange exchange = exchange(route.get(), access);
    if (exchange.principal() instanceof Principal.Key && refusal.apply(exchange).isPresent()) {
      return Verdict.ACCESS_LOST;
    }
    ConsentRule rule = exchange.policy().consent();
    if (rule == null || !access.at("consent").isTrue()) {
      return Verdict.ALLOWED;
    }
    return switch (consent.get().ask(exchange, rule.scopes(), rule.operation()).status()) {
      case ALLOWED -> Verdict.ALLOWED;
      case DENIED -> Verdict.CONSENT_WITHDRAWN;
      case UNAVAILABLE -> Verdict.UNKNOWN;
    };
  }

  /** A request as that of the job, without its content. */
  private Exchange exchange(Route.Served route, Json access) {
    Ids ids = new Ids(ThreadLocalRandom::current);
    Request.Input nothing = new Request.Input(InputStream.nullInputStream(), 0);
    Exchange exchange =
        new Exchange(
                ids.requestId(Fields.NONE),
                ids.trace(Fields.NONE),
                clock.instant(),
                System.nanoTime(),
                new Request(Method.POST, Query.NONE, Fields.NONE, nothing, "", () -> {}),
                route,
                Map.of(),
                ByteBudget.unlimited(),
                Exchange.Resolved.nothing(Deadline.after(TIME)))
            .as(principal(access));
    return UserId.parse(access.at("user").string("")).map(exchange::actingFor).orElse(exchange);
  }

  private static Principal principal(Json access) {
    String name = access.at("subject").string("");
    String account = access.at("account").string("");
    String key = access.at("key").string("");
    Users nobody = Users.only(Set.of());
    return switch (access.at("kind").string("")) {
      case "key" -> new Principal.Key(key, account, name, Set.of(), nobody, null);
      case "service" -> new Principal.Service(name, Set.of(), nobody, Instant.MAX, null);
      default -> new Principal.User(name, Set.of(), nobody, Instant.MAX, null);
    };
  }
}
