package luki.gateway.handler;

import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import java.util.stream.Collectors;
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
import luki.gateway.upstream.Call.ServicePath;
import luki.gateway.upstream.Upstreams;
import org.jspecify.annotations.Nullable;

/**
 * A user at a glance: five services asked in parallel under one deadline. A part that fails is said
 * to have failed; only when none is there does the whole fail.
 */
public record OverviewHandler(Upstreams upstreams, Consent consent) implements Handler.AsksConsent {
  // Time to write the reply: the parts must be in a little before the route's own deadline.
  private static final Duration RESERVE = Duration.ofMillis(250);

  /** Where a part comes from, and what it takes to see it. */
  private record Part(
      Upstream upstream,
      Scope scope,
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
              new Scope("consent:read"),
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
    return new ServicePath(literal).segment(exchange.user().value());
  }

  private static Json validScopes(Json reply) {
    Json scopes = reply.at("consent").at("valid_scopes");
    if (!scopes.isArray()) {
      throw new ApiException(Upstreams.nonsense(Upstream.SECURITY));
    }
    return Json.object().put("valid_scopes", scopes).build();
  }

  private static Json zoned(Json reply, String field) {
    Json time = ServiceText.utc(reply.at(field));
    return time.isMissing() ? reply : reply.toBuilder().put(field, time).build();
  }

  /** The data of a part, or why there is none. */
  private record PartResult(String status, Json data, @Nullable ApiError error) {
    static final PartResult NOT_CONFIGURED =
        failed("not_configured", ApiError.of(ErrorCode.DOWNSTREAM_NOT_CONFIGURED));

    static PartResult failed(String status, ApiError because) {
      return new PartResult(status, Json.MISSING, because);
    }

    static PartResult unavailable(boolean timedOut) {
      ErrorCode code = timedOut ? ErrorCode.DOWNSTREAM_TIMEOUT : ErrorCode.DOWNSTREAM_UNAVAILABLE;
      return failed("unavailable", ApiError.of(code));
    }
  }

  @Override
  public Response handle(Exchange exchange) throws InterruptedException {
    Deadline deadline = new Deadline(exchange.deadline().atNanos() - RESERVE.toNanos());
    Exchange within = exchange.within(deadline);
    Map<Part, Branch<PartResult>> branches = new LinkedHashMap<>();
    Map<String, Branch<Consent.ConsentStatus>> consents = new HashMap<>();
    try {
      for (Part part : PARTS) {
        PartResult settled = settled(part, exchange);
        Branch<Consent.ConsentStatus> answer =
            part.consentScope == null || settled != null
                ? null
                : consents.computeIfAbsent(part.consentScope, scope -> ask(within, scope));
        branches.put(
            part,
            new Branch<>(() -> settled == null ? fetch(part, within, answer, deadline) : settled));
      }
      return reply(exchange, branches, deadline);
    } finally {
      branches.values().forEach(Branch::close);
      consents.values().forEach(Branch::close);
    }
  }

  /** A part that is known without a call. */
  private @Nullable PartResult settled(Part part, Exchange exchange) {
    if (!exchange.principal().scopes().contains(part.scope)) {
      return PartResult.failed("denied", new ApiError.MissingScope(Set.of(part.scope)));
    }
    return upstreams.isConfigured(part.upstream) ? null : PartResult.NOT_CONFIGURED;
  }

  private Branch<Consent.ConsentStatus> ask(Exchange exchange, String scope) {
    ConsentRule rule = exchange.policy().consent();
    String operation = rule == null ? "overview" : rule.operation();
    return new Branch<>(() -> consent.ask(exchange, List.of(scope), operation).status());
  }

  private PartResult fetch(
      Part part,
      Exchange exchange,
      @Nullable Branch<Consent.ConsentStatus> answer,
      Deadline deadline)
      throws InterruptedException, ExecutionException {
    if (answer != null) {
      switch (answer.await(deadline).orElse(Consent.ConsentStatus.UNAVAILABLE)) {
        case ALLOWED -> {}
        case DENIED -> {
          return PartResult.failed("denied", ApiError.of(ErrorCode.CONSENT_DENIED));
        }
        case UNAVAILABLE -> {
          return PartResult.unavailable(deadline.hasPassed());
        }
      }
    }
    try {
      Json json = upstreams.json(part.upstream, part.call.apply(exchange), exchange).json();
      return new PartResult("ok", part.shown.apply(json), null);
    } catch (ApiException failure) {
      return PartResult.unavailable(failure.error().code() == ErrorCode.DOWNSTREAM_TIMEOUT);
    }
  }

  private static PartResult await(Branch<PartResult> branch, Deadline deadline)
      throws InterruptedException {
    try {
      return branch.await(deadline).orElse(PartResult.unavailable(true));
    } catch (ExecutionException failed) {
      return PartResult.unavailable(false);
    }
  }

  private static Response reply(
      Exchange exchange, Map<Part, Branch<PartResult>> branches, Deadline deadline)
      throws InterruptedException {
    Json.Builder parts = Json.object();
    Set<ApiError> errors = new LinkedHashSet<>();
    int present = 0;
    for (Map.Entry<Part, Branch<PartResult>> branch : branches.entrySet()) {
      PartResult result = await(branch.getValue(), deadline);
      Json.Builder shown = Json.object().put("status", result.status());
      if (result.error() == null) {
        present++;
        shown.put("data", result.data());
      } else if (!result.equals(PartResult.NOT_CONFIGURED)) {
        errors.add(result.error());
      }
      parts.put(branch.getKey().upstream.label(), shown);
    }
    if (present == 0) {
      return Response.refused(failure(errors));
    }
    Json.Builder meta =
        Json.object()
            .put("trace_id", exchange.trace().traceId())
            .put("complete", present == PARTS.size());
    return Response.json(
        200,
        Json.object()
            .put("user_id", exchange.user().value())
            .put("parts", parts)
            .put("meta", meta));
  }

  /** The error when there is no part at all, by what the configured ones have in common. */
  private static ApiError failure(Set<ApiError> errors) {
    Set<ErrorCode> codes = errors.stream().map(ApiError::code).collect(Collectors.toSet());
    if (codes.contains(ErrorCode.DOWNSTREAM_UNAVAILABLE)
        || (codes.contains(ErrorCode.DOWNSTREAM_TIMEOUT) && codes.size() > 1)) {
      return ApiError.of(ErrorCode.DOWNSTREAM_UNAVAILABLE);
    }
    // A missing scope comes before a missing consent.
    return errors.stream()
        .min(Comparator.comparing(ApiError::code))
        .orElse(ApiError.of(ErrorCode.DOWNSTREAM_NOT_CONFIGURED));
  }
}
