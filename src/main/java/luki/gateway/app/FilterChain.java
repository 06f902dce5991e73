package luki.gateway.app;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import luki.gateway.audit.AuditTrail;
import luki.gateway.config.Settings;
import luki.gateway.consent.Consent;
import luki.gateway.contract.PublishedReplies;
import luki.gateway.contract.Router;
import luki.gateway.delivery.Billing;
import luki.gateway.filter.AccessLog;
import luki.gateway.filter.Admission;
import luki.gateway.filter.AuthFailureLimit;
import luki.gateway.filter.Authenticate;
import luki.gateway.filter.AuthorizeOwner;
import luki.gateway.filter.AuthorizeScope;
import luki.gateway.filter.BrowserCredentials;
import luki.gateway.filter.CheckConsent;
import luki.gateway.filter.Cors;
import luki.gateway.filter.EnforceQuota;
import luki.gateway.filter.Errors;
import luki.gateway.filter.RateLimitCaller;
import luki.gateway.filter.ReadBody;
import luki.gateway.filter.RecordConsentChanges;
import luki.gateway.filter.RecordDenials;
import luki.gateway.filter.RecordMetrics;
import luki.gateway.filter.RefuseUnrouted;
import luki.gateway.filter.ReplyHeaders;
import luki.gateway.filter.Trace;
import luki.gateway.filter.Validate;
import luki.gateway.filter.WarnOfUndeclared;
import luki.gateway.http.Chain;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Step;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Route;
import luki.gateway.limit.Limiters;
import luki.gateway.observe.AccessLine;
import luki.gateway.observe.Label.TracedStep;
import luki.gateway.observe.Metrics;
import luki.gateway.resume.KeptStreams.ResumeStream;
import luki.gateway.server.GatewayServer;
import luki.gateway.tokens.TokenVerifier;
import org.jspecify.annotations.Nullable;

/**
 * Every step of a request on its way to a handler. `serve` and `explain` use the same steps.
 *
 * @param tokens verifies end users' and services' tokens
 * @param audit null where no audit file is configured
 * @param billing null where nothing is billed
 */
record FilterChain(
    Parts parts,
    TokenVerifier tokens,
    CheckConsent.Source consent,
    Consumer<AccessLine> accessLog,
    @Nullable AuditTrail audit,
    @Nullable Billing billing) {

  /** With every consent given and nothing recorded: for requests that the process itself makes. */
  static FilterChain withoutConsent(Parts parts, TokenVerifier tokens, Consumer<AccessLine> log) {
    Consent.Answer allowed =
        new Consent.Answer(Consent.ConsentStatus.ALLOWED, parts.clock().instant());
    return new FilterChain(parts, tokens, (_, _, _) -> allowed, log, null, null);
  }

  /** The same for another configuration. */
  FilterChain with(Parts newer) {
    return new FilterChain(
        newer, newer.identity().verifier(), newer.consent()::ask, accessLog, audit, billing);
  }

  Chain chain() {
    List<Step> steps = new ArrayList<>(steps());
    Configuration configuration = parts.configuration();
    if (configuration.settings().dev()) {
      PublishedReplies published = new PublishedReplies(configuration.document().published());
      steps.addFirst(step(new WarnOfUndeclared(published)));
    }
    return new Chain(steps, Errors::of);
  }

  /** Binds a listener whose requests go through the steps. */
  GatewayServer server(List<Route.Served> routes) throws IOException {
    return new GatewayServer(
        parts.configuration().settings(),
        parts.engines().server,
        new Router(routes),
        chain(),
        parts.lifecycle(),
        parts.memory(),
        parts.clock());
  }

  /**
   * The security argument: all steps in their order, each with the only codes that it refuses with.
   * The first that refuses decides, so this is also the precedence of errors.
   */
  List<Step> steps() {
    Settings settings = parts.configuration().settings();
    Metrics metrics = parts.metrics();
    Limiters limiters = parts.limiters();
    RateLimitCaller rate =
        new RateLimitCaller(limiters, parts.plans(), settings, parts.limited(), metrics);
    return List.of(
        // Every reply passes these, whichever step made it.
        step(new ReplyHeaders(settings)),
        step(new AccessLog(accessLog, parts.principals())),
        step(new RecordDenials(audit)),
        step(new Trace(parts.tracing())),
        step(new RecordMetrics(metrics)),
        step(new Cors(settings.corsOrigins())),
        step(new Errors()),
        // Most of these may refuse. Only operations of the contract, and OPTIONS of their paths,
        // come past the first.
        step(
            new RefuseUnrouted(),
            ErrorCode.INVALID_REQUEST,
            ErrorCode.URI_TOO_LONG,
            ErrorCode.HEADERS_TOO_LARGE,
            ErrorCode.EXPECTATION_FAILED,
            ErrorCode.HTTP_VERSION_NOT_SUPPORTED,
            ErrorCode.REQUEST_TIMEOUT,
            ErrorCode.OVERLOADED,
            ErrorCode.INTERNAL,
            ErrorCode.NOT_IMPLEMENTED,
            ErrorCode.NOT_FOUND,
            ErrorCode.METHOD_NOT_ALLOWED,
            ErrorCode.VERSION_GONE),
        live(
            new Admission(
                parts.lifecycle(), parts.shedding(), parts.configuration().file().maxInFlight()),
            ErrorCode.DRAINING,
            ErrorCode.OVERLOADED),
        live(
            new AuthFailureLimit(limiters.authFailures(), settings, parts.limited(), metrics),
            ErrorCode.RATE_LIMITED),
        step(
            new BrowserCredentials(parts.tickets()),
            ErrorCode.INVALID_REQUEST,
            ErrorCode.UNAUTHENTICATED,
            ErrorCode.LIMITER_UNAVAILABLE),
        traced(
            TracedStep.AUTHENTICATE,
            step(
                authenticate(),
                ErrorCode.INVALID_REQUEST,
                ErrorCode.UNAUTHENTICATED,
                ErrorCode.FORBIDDEN,
                ErrorCode.IDENTITY_UNAVAILABLE)),
        step(new RateLimitCaller.CountScopeDenials(rate)),
        step(
            new AuthorizeScope(parts.configuration().file().versions()),
            ErrorCode.UNAUTHENTICATED,
            ErrorCode.FORBIDDEN,
            ErrorCode.INVALID_REQUEST),
        traced(TracedStep.LIMIT, live(rate, ErrorCode.RATE_LIMITED, ErrorCode.LIMITER_UNAVAILABLE)),
        step(
            new ReadBody(settings.limits().bodyBytes()),
            ErrorCode.NOT_ACCEPTABLE,
            ErrorCode.BODY_TOO_LARGE,
            ErrorCode.UNSUPPORTED_MEDIA_TYPE,
            ErrorCode.REQUEST_TIMEOUT,
            ErrorCode.HEADERS_TOO_LARGE,
            ErrorCode.OVERLOADED,
            ErrorCode.INVALID_REQUEST),
        step(new AuthorizeOwner(), ErrorCode.INVALID_REQUEST, ErrorCode.NOT_OWNER),
        step(new Validate(), ErrorCode.INVALID_REQUEST),
        traced(
            TracedStep.CONSENT,
            step(
                new CheckConsent(consent),
                ErrorCode.CONSENT_DENIED,
                ErrorCode.CONSENT_UNAVAILABLE)),
        live(
            parts.idempotency(),
            ErrorCode.IDEMPOTENCY_IN_PROGRESS,
            ErrorCode.IDEMPOTENCY_MISMATCH,
            ErrorCode.LIMITER_UNAVAILABLE,
            ErrorCode.OVERLOADED,
            // Kept errors of handlers.
            ErrorCode.INVALID_REQUEST,
            ErrorCode.NOT_FOUND,
            ErrorCode.DOWNSTREAM_REJECTED,
            ErrorCode.DOWNSTREAM_CONFLICT),
        live(new ResumeStream(parts.kept()), ErrorCode.NOT_FOUND, ErrorCode.CONSENT_DENIED),
        live(
            new EnforceQuota(parts.plans(), billing, parts.principals(), metrics),
            ErrorCode.QUOTA_EXCEEDED),
        step(new RecordConsentChanges(audit)));
  }

  private static Step step(Filter filter, ErrorCode... refusals) {
    return new Step(filter.getClass().getSimpleName(), filter, Set.of(refusals), false);
  }

  /** A step that decides by what was counted. */
  private static Step live(Filter filter, ErrorCode... refusals) {
    return new Step(filter.getClass().getSimpleName(), filter, Set.of(refusals), true);
  }

  Authenticate authenticate() {
    return new Authenticate(parts.keys(), tokens, parts.metrics());
  }

  private Step traced(TracedStep span, Step step) {
    return step.with(Trace.step(parts.tracing(), span, step.filter()));
  }
}
