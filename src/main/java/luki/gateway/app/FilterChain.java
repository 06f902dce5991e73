package luki.gateway.app;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import luki.gateway.audit.AuditTrail;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.Settings;
import luki.gateway.consent.Consent;
import luki.gateway.delivery.Billing;
import luki.gateway.filter.AccessLog;
import luki.gateway.filter.Admission;
import luki.gateway.filter.AskConsent;
import luki.gateway.filter.Authenticate;
import luki.gateway.filter.AuthorizeOwner;
import luki.gateway.filter.AuthorizeScope;
import luki.gateway.filter.Cors;
import luki.gateway.filter.EnforceQuota;
import luki.gateway.filter.Errors;
import luki.gateway.filter.LimitAuthFailures;
import luki.gateway.filter.Measure;
import luki.gateway.filter.RateLimitCaller;
import luki.gateway.filter.ReadBody;
import luki.gateway.filter.RecordDenials;
import luki.gateway.filter.RefuseUnrouted;
import luki.gateway.filter.RequestIds;
import luki.gateway.filter.SecurityHeaders;
import luki.gateway.filter.Trace;
import luki.gateway.filter.TracedFilter;
import luki.gateway.filter.Validate;
import luki.gateway.http.Chain;
import luki.gateway.http.Filter;
import luki.gateway.keys.ApiKeyStore;
import luki.gateway.keys.KeyedHash;
import luki.gateway.limit.Counters;
import luki.gateway.limit.Plans;
import luki.gateway.observe.Label.TracedStep;
import luki.gateway.observe.Lifecycle;
import luki.gateway.observe.Metrics;
import luki.gateway.observe.QueuedWriter;
import luki.gateway.observe.Tracing;
import luki.gateway.tokens.Identity;
import luki.gateway.tokens.TokenVerifier;
import org.jspecify.annotations.Nullable;

/** What a request passes on its way to a handler. */
record FilterChain(
    Configuration configuration,
    Identity identity,
    Consent consent,
    Counters counters,
    Plans plans,
    Lifecycle lifecycle,
    Metrics metrics,
    Tracing tracing) {

  /** Where requests are written down. */
  record Records(
      QueuedWriter<byte[]> accessLog, @Nullable AuditTrail audit, @Nullable Billing billing) {}

  /** The security argument in two lists: what a request passes, in this order. */
  Chain chain(ApiKeyStore keys, Records records, KeyedHash limitNames) throws BadConfiguration {
    Settings settings = configuration.settings();
    KeyedHash names = configuration.principalHash();
    Errors errors = new Errors();
    List<Filter> filters = new ArrayList<>();
    filters.add(new RequestIds());
    filters.add(new SecurityHeaders(settings));
    filters.add(new AccessLog(records.accessLog, names));
    if (records.audit != null) {
      filters.add(new RecordDenials(records.audit));
    }
    filters.add(new Trace(tracing));
    filters.add(new Measure(metrics));
    filters.add(new Cors(settings.corsOrigins()));
    filters.add(errors);
    filters.add(new RefuseUnrouted());
    filters.add(new Admission(lifecycle, configuration.file().maxInFlight()));
    filters.add(new LimitAuthFailures(counters.failures(), settings, limitNames, metrics));
    List<Filter> identify = identify(keys, identity.verifier());
    filters.add(new TracedFilter(tracing, TracedStep.AUTHENTICATE, identify.getFirst()));
    filters.addAll(identify.subList(1, identify.size()));
    Filter limit =
        new RateLimitCaller(counters.limiter(), counters.global(), plans, limitNames, metrics);
    filters.add(new TracedFilter(tracing, TracedStep.LIMIT, limit));
    filters.addAll(examine());
    filters.add(new TracedFilter(tracing, TracedStep.CONSENT, new AskConsent(consent)));
    filters.add(new EnforceQuota(plans, records.billing, names, metrics));
    return new Chain(filters, errors);
  }

  /** Who calls, and whether it may at all. `explain` sends a request through the same ones. */
  private List<Filter> identify(ApiKeyStore keys, TokenVerifier tokens) {
    return List.of(new Authenticate(keys, tokens, metrics), new AuthorizeScope());
  }

  /** Whether the request is one that the contract allows this caller. */
  private List<Filter> examine() {
    return List.of(
        new ReadBody(configuration.settings().limits().bodyBytes()),
        new AuthorizeOwner(),
        new Validate());
  }

  /** Those that decide from the request alone. */
  List<Filter> offline(ApiKeyStore keys, TokenVerifier tokens) {
    return Stream.concat(identify(keys, tokens).stream(), examine().stream()).toList();
  }
}
