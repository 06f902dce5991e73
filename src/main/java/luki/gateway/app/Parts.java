package luki.gateway.app;

import java.io.IOException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.Stream;
import luki.gateway.config.Plan;
import luki.gateway.config.Problems;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.Settings;
import luki.gateway.consent.AccessWatch;
import luki.gateway.consent.Consent;
import luki.gateway.door.Door;
import luki.gateway.door.Doors;
import luki.gateway.filter.AccessPolicy;
import luki.gateway.http.ApiError;
import luki.gateway.http.Dispatcher;
import luki.gateway.http.Exchange;
import luki.gateway.http.Principal;
import luki.gateway.http.Route;
import luki.gateway.http.Upstream;
import luki.gateway.idempotency.EnforceIdempotency;
import luki.gateway.idempotency.MemoryReplies;
import luki.gateway.idempotency.ReplyCipher;
import luki.gateway.keys.ApiKeyStore;
import luki.gateway.keys.KeyFile;
import luki.gateway.keys.KeyedHash;
import luki.gateway.limit.Limiters;
import luki.gateway.limit.LoadShedding;
import luki.gateway.observe.Lifecycle;
import luki.gateway.observe.Metrics;
import luki.gateway.observe.Tracing;
import luki.gateway.resume.KeptStreams;
import luki.gateway.rollout.RolloutFile;
import luki.gateway.rollout.Rollouts;
import luki.gateway.ticket.MemoryTickets;
import luki.gateway.ticket.Tickets;
import luki.gateway.tokens.Identity;
import luki.gateway.tokens.ServiceTokens;
import luki.gateway.upstream.Upstreams;
import luki.gateway.webhook.AccessCheck;
import luki.gateway.webhook.Webhooks;
import luki.gateway.websocket.ChatSockets;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/**
 * What filters and handlers are made of. None of it runs before {@link Gateway#accept}.
 *
 * @param kept null where no stream can be resumed
 * @param principals names callers in the access log, the audit file and bills
 * @param limited names callers and addresses in the limits
 */
record Parts(
    Configuration configuration,
    Clock clock,
    Lifecycle lifecycle,
    ByteBudget memory,
    Metrics metrics,
    Tracing tracing,
    ServiceTokens tokens,
    HttpEngines engines,
    Upstreams upstreams,
    Identity identity,
    Consent consent,
    AccessWatch access,
    ChatSockets sockets,
    Doors doors,
    Limiters limiters,
    LoadShedding shedding,
    EnforceIdempotency idempotency,
    Tickets tickets,
    @Nullable KeptStreams kept,
    @Nullable Webhooks webhooks,
    Plan.Catalog plans,
    ApiKeyStore keys,
    KeyedHash principals,
    KeyedHash limited) {

  static Parts of(Configuration configuration, String version, Problems problems)
      throws BadConfiguration {
    Settings settings = configuration.settings();
    // Instants are shown to callers, who need no more digits.
    Clock clock = Clock.tickMillis(ZoneOffset.UTC);
    long budget = settings.limits().bufferedBytes();
    ByteBudget memory = new ByteBudget(budget);
    Metrics metrics = new Metrics(version);
    Tracing tracing = Tracing.of(settings.telemetry());
    ServiceTokens tokens = ServiceTokens.of(settings, clock, problems);
    HttpEngines engines = new HttpEngines(settings, memory);
    Upstreams.Shared shared =
        new Upstreams.Shared(
            settings.limits().replyBytes(),
            tokens,
            engines,
            metrics,
            tracing,
            new Rollouts(
                new RolloutFile(settings.rolloutFile()), metrics, clock, System::nanoTime));
    Upstreams upstreams = new Upstreams(settings, configuration.file(), shared, null);
    String pepper = configuration.pepperIfAny();
    Consent consent = new Consent(upstreams, settings.consentCache(), clock);
    ApiKeyStore keys =
        new ApiKeyStore(
            new KeyFile(settings.keyFile()),
            KeyedHash.ofPepper(pepper),
            configuration.roles(),
            clock);
    KeyedHash limited = KeyedHash.derived(pepper, "limits");
    Webhooks webhooks =
        settings.webhooks().isOn()
            ? new Webhooks(
                settings,
                HttpEngines.receivers(settings.dev()),
                memory,
                caller -> limited.shortOf(caller.limitedAs()),
                clock,
                problems)
            : null;
    Limiters limiters = new Limiters(settings, configuration.file(), clock);
    Lifecycle lifecycle = new Lifecycle();
    AccessWatch access = new AccessWatch(new Random());
    return new Parts(
        configuration,
        clock,
        lifecycle,
        memory,
        metrics,
        tracing,
        tokens,
        engines,
        upstreams,
        Identity.of(
            settings, configuration.file(), configuration.roles(), engines, clock, problems, null),
        consent,
        access,
        new ChatSockets(lifecycle, access, memory, settings.limits().bodyBytes()),
        new Doors(
            new Door.Host(settings, clock, memory, lifecycle, access, tokens, metrics, tracing),
            problems),
        limiters,
        new LoadShedding(configuration.file().maxQueueDelay()),
        new EnforceIdempotency(
            ReplyCipher.of(settings.idempotencyKey(), new SecureRandom(), problems),
            limiters.replies(new MemoryReplies(memory, budget, clock)),
            metrics),
        new Tickets(limiters.tickets(new MemoryTickets(memory)), new SecureRandom()),
        settings.streamResume()
            ? new KeptStreams(memory, budget, lifecycle, new SecureRandom(), System::nanoTime)
            : null,
        webhooks,
        Plan.Catalog.of(configuration.file(), settings.rates()),
        keys,
        KeyedHash.derived(pepper, Configuration.ACCESS_LOG),
        limited);
  }

  /**
   * The parts for another configuration. They share whatever was opened, counted or kept, and what
   * is to be closed.
   */
  Parts with(Configuration next, Problems problems) {
    Upstreams clients = upstreams.with(next.file());
    return new Parts(
        next,
        clock,
        lifecycle,
        memory,
        metrics,
        tracing,
        tokens,
        engines,
        clients,
        Identity.of(next.settings(), next.file(), next.roles(), engines, clock, problems, identity),
        consent.with(clients),
        access,
        sockets,
        doors,
        limiters,
        shedding,
        idempotency,
        tickets,
        kept,
        webhooks,
        Plan.Catalog.of(next.file(), next.settings().rates()),
        keys.with(next.roles()),
        principals,
        limited);
  }

  /**
   * Starts what a listener needs before it accepts requests.
   *
   * @param now the parts of the configuration that is in force then
   * @param routes likewise
   */
  void start(Dispatcher server, Supplier<Parts> now, Supplier<List<Route.Served>> routes)
      throws BadConfiguration, IOException {
    identity.start();
    limiters.start(plans.byDefault());
    shedding.start(metrics);
    metrics.watch(
        "luki_gateway_buffered_bytes", "Memory that messages hold together", memory::used);
    metrics.watch(
        "luki_gateway_jwks_age_seconds",
        "Since the issuer's keys were loaded; -1 while they never were",
        identity::keysAgeSeconds);
    sockets.start(server);
    if (kept != null) {
      kept.start();
    }
    for (Door door : doors.all()) {
      door.use(routes.get());
      door.start(server);
    }
    if (webhooks != null) {
      AccessCheck access =
          new AccessCheck(
              () -> now.get().consent(), each -> now.get().refusal(each), routes, clock);
      webhooks.start(server, access, metrics);
    }
  }

  /** Why the caller of a request, with the rights of now, may not have an answer. */
  Optional<ApiError> refusal(Exchange exchange) {
    Duration skew = configuration.settings().jwt().skew();
    return AccessPolicy.refusal(exchange, keys.now(exchange.principal(), skew));
  }

  /** Whether a circuit breaker of a service is open or half-open. */
  boolean isTripped(Upstream who) {
    return upstreams.isTripped(who) || doors.all().stream().anyMatch(door -> door.isTripped(who));
  }

  /** The name of a caller in the limits. */
  String limitedAs(Principal principal) {
    return limited.shortOf(principal.limitedAs());
  }

  /** What has to be closed before {@link #engines}, in any order. */
  List<AutoCloseable> closeable() {
    return Stream.of(
            doors,
            kept,
            shedding,
            sockets,
            access,
            tickets.store(),
            idempotency,
            limiters,
            identity,
            upstreams,
            tracing,
            webhooks)
        .filter(Objects::nonNull)
        .toList();
  }
}
