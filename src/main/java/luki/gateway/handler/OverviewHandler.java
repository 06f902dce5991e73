package luki.gateway.handler;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import luki.gateway.consent.Consent;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Deadline;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Policy.ConsentRule;
import luki.gateway.http.Response;
import luki.gateway.http.Scope;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;
import luki.gateway.upstream.Branch;
import luki.gateway.upstream.Call;
import luki.gateway.upstream.ServicePath;
import luki.gateway.upstream.Upstreams;
import org.jspecify.annotations.Nullable;

/**
 * A user at a glance: five services asked in parallel under one deadline. A part that fails is said
 * to have failed; only when none is there does the whole fail.
 */
public final class OverviewHandler implements Handler.AsksConsent {
  // Time to write the reply: the parts must be in a little before the route's own deadline.
  private static final Duration RESERVE = Duration.ofMillis(250);

  private final Upstreams upstreams;
  private final Consent consent;

  public OverviewHandler(Upstreams upstreams, Consent consent) {
    this.upstreams = upstreams;
    this.consent = consent;
  }

  /** Where a part comes from, and what it takes to see it. */
  private record Part(
      Upstream upstream,
      @Nullable Scope scope,
      @Nullable String consentScope,
      Function<Exchange, Call> call,
      Function<Json, Json> shown) {}

  private static final List<Part> PARTS =
      List.of(
          new Part(
              Upstream.MEMORY,
              new Scope("elr:read"),
              "elr_memories",
              ElrHandlers::statsCall,
              ElrHandlers::shownStats),
          new Part(
              Upstream.ENGAGEMENT,
              new Scope("engagement:read"),
              "analytics",
              exchange -> Call.get(userPath("/metrics", exchange)),
              reply -> zoned(reply, "last_active")),
          new Part(
              Upstream.REPORTING,
              new Scope("reporting:read"),
              "analytics",
              exchange -> Call.get(userPath("/reports", exchange).then("/trends")),
              Function.identity()),
          // Not the privacy settings: reading them writes them.
          new Part(
              Upstream.SECURITY,
              null,
              null,
              exchange -> Call.get(userPath("/consent", exchange)),
              OverviewHandler::validScopes),
          new Part(
              Upstream.TOKENS,
              new Scope("tokens:read"),
              "analytics",
              exchange -> Call.get(userPath("/balances", exchange)),
              reply -> zoned(reply, "updated_at")));

  private static ServicePath userPath(String literal, Exchange exchange) {
    return ServicePath.of(literal).segment(exchange.user().value());
  }

  private static Json validScopes(Json reply) {
    Json scopes = reply.at("consent").at("valid_scopes");
    if (!scopes.isArray()) {
      throw new ApiException(Upstreams.nonsense(Upstream.SECURITY));
    }
    return Json.object().put("valid_scopes", scopes).build();
  }

  private static Json zoned(Json reply, String field) {
    Json time = Times.utc(reply.at(field));
    return time.isMissing() ? reply : reply.toBuilder().put(field, time).build();
  }

  /** What became of a part. */
  private sealed interface PartResult {
    String status();

    record Ok(Json data) implements PartResult {
      @Override
      public String status() {
        return "ok";
      }
    }

    record Denied(ApiError because) implements PartResult {
      @Override
      public String status() {
        return "denied";
      }
    }

    record Unavailable(boolean timedOut) implements PartResult {
      @Override
      public String status() {
        return "unavailable";
      }
    }

    record NotConfigured() implements PartResult {
      @Override
      public String status() {
        return "not_configured";
      }
    }
  }

  @Override
  public Response handle(Exchange exchange) throws InterruptedException {
    Deadline deadline = new Deadline(exchange.deadline().atNanos() - RESERVE.toNanos());
    Exchange within = exchange.within(deadline);
    Map<Part, PartResult> outcomes = new LinkedHashMap<>();
    Map<Part, Branch<PartResult>> branches = new LinkedHashMap<>();
    Map<String, Branch<Consent.ConsentStatus>> verdicts = new LinkedHashMap<>();
    try {
      for (Part part : PARTS) {
        PartResult settled = settled(part, exchange);
        if (settled != null) {
          outcomes.put(part, settled);
        } else {
          Branch<Consent.ConsentStatus> verdict =
              part.consentScope == null
                  ? null
                  : verdicts.computeIfAbsent(part.consentScope, scope -> ask(within, scope));
          branches.put(part, Branch.start(() -> fetch(part, within, verdict, deadline)));
        }
      }
      for (Map.Entry<Part, Branch<PartResult>> branch : branches.entrySet()) {
        outcomes.put(branch.getKey(), await(branch.getValue(), deadline));
      }
    } finally {
      branches.values().forEach(Branch::close);
      verdicts.values().forEach(Branch::close);
    }
    return reply(exchange, outcomes);
  }

  /** A part that is known without a call. */
  private @Nullable PartResult settled(Part part, Exchange exchange) {
    if (!upstreams.isConfigured(part.upstream)) {
      return new PartResult.NotConfigured();
    }
    boolean lacks = part.scope != null && !exchange.principal().scopes().contains(part.scope);
    return lacks && part.scope != null
        ? new PartResult.Denied(new ApiError.MissingScope(Set.of(part.scope)))
        : null;
  }

  private Branch<Consent.ConsentStatus> ask(Exchange exchange, String scope) {
    ConsentRule rule = exchange.policy().consent();
    String operation = rule == null ? "overview" : rule.operation();
    return Branch.start(
        () -> consent.ask(exchange, exchange.user(), List.of(scope), operation).status());
  }

  private PartResult fetch(
      Part part,
      Exchange exchange,
      @Nullable Branch<Consent.ConsentStatus> verdict,
      Deadline deadline)
      throws InterruptedException, ExecutionException {
    if (verdict != null) {
      switch (verdict.await(deadline).orElse(Consent.ConsentStatus.UNAVAILABLE)) {
        case ALLOWED -> {}
        case DENIED -> {
          return new PartResult.Denied(ApiError.of(ErrorCode.CONSENT_DENIED));
        }
        case UNAVAILABLE -> {
          return new PartResult.Unavailable(deadline.hasPassed());
        }
      }
    }
    try {
      Json json = upstreams.json(part.upstream, part.call.apply(exchange), exchange).json();
      return new PartResult.Ok(part.shown.apply(json));
    } catch (ApiException failure) {
      return new PartResult.Unavailable(failure.error().code() == ErrorCode.DOWNSTREAM_TIMEOUT);
    }
  }

  private static PartResult await(Branch<PartResult> branch, Deadline deadline)
      throws InterruptedException {
    try {
      return branch.await(deadline).orElse(new PartResult.Unavailable(true));
    } catch (ExecutionException failed) {
      return new PartResult.Unavailable(false);
    }
  }

  private static Response reply(Exchange exchange, Map<Part, PartResult> outcomes) {
    Json.Builder parts = Json.object();
    boolean complete = true;
    boolean any = false;
    for (Part part : PARTS) {
      PartResult result = outcomes.getOrDefault(part, new PartResult.NotConfigured());
      Json.Builder shown = Json.object().put("status", result.status());
      if (result instanceof PartResult.Ok(Json data)) {
        shown.put("data", data);
        any = true;
      } else {
        complete = false;
      }
      parts.put(part.upstream.label(), shown.build());
    }
    if (!any) {
      return Response.refused(failure(new ArrayList<>(outcomes.values())));
    }
    Json meta =
        Json.object().put("trace_id", exchange.trace().traceId()).put("complete", complete).build();
    return Response.json(
        200,
        Json.object()
            .put("user_id", exchange.user().value())
            .put("parts", parts.build())
            .put("meta", meta)
            .build());
  }

  /** The error when there is no part at all, by what the configured ones have in common. */
  private static ApiError failure(List<PartResult> outcomes) {
    List<PartResult> configured =
        outcomes.stream().filter(o -> !(o instanceof PartResult.NotConfigured)).toList();
    if (configured.isEmpty()) {
      return ApiError.of(ErrorCode.DOWNSTREAM_NOT_CONFIGURED);
    }
    if (configured.stream()
        .allMatch(o -> o instanceof PartResult.Unavailable(boolean late) && late)) {
      return ApiError.of(ErrorCode.DOWNSTREAM_TIMEOUT);
    }
    Optional<PartResult> denied =
        configured.stream().filter(PartResult.Denied.class::isInstance).findFirst();
    if (configured.stream().allMatch(PartResult.Denied.class::isInstance)
        && denied.get() instanceof PartResult.Denied(ApiError because)) {
      return because;
    }
    return ApiError.of(ErrorCode.DOWNSTREAM_UNAVAILABLE);
  }
}
