package luki.gateway.app;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import luki.gateway.audit.AuditFile;
import luki.gateway.audit.AuditTrail;
import luki.gateway.config.Problems;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.Settings;
import luki.gateway.consent.Consent;
import luki.gateway.contract.Router;
import luki.gateway.delivery.Billing;
import luki.gateway.handler.GatewayHandlers;
import luki.gateway.handler.UsageHandler;
import luki.gateway.http.Chain;
import luki.gateway.http.Principal;
import luki.gateway.http.Route;
import luki.gateway.keys.ApiKeyStore;
import luki.gateway.keys.KeyFile;
import luki.gateway.keys.KeyedHash;
import luki.gateway.limit.Counters;
import luki.gateway.limit.Plans;
import luki.gateway.observe.AccessLine;
import luki.gateway.observe.Lifecycle;
import luki.gateway.observe.Metrics;
import luki.gateway.observe.Periodic;
import luki.gateway.observe.QueuedWriter;
import luki.gateway.observe.Tracing;
import luki.gateway.server.GatewayServer;
import luki.gateway.tokens.DevIssuer;
import luki.gateway.tokens.Identity;
import luki.gateway.tokens.ServiceTokens;
import luki.gateway.upstream.UpstreamClient;
import luki.gateway.upstream.Upstreams;
import org.jspecify.annotations.Nullable;

/** The composition root: the one place where the parts of a gateway are put together. */
public final class Gateway implements AutoCloseable {
  private static final Duration KEY_FILE_INTERVAL = Duration.ofSeconds(2);
  private static final Duration HEALTH_LOOK = Duration.ofSeconds(10);

  private final Configuration configuration;
  private final Clock clock = Clock.systemUTC();
  private final Lifecycle lifecycle = new Lifecycle();
  private final ScheduledThreadPoolExecutor timer;
  private final Metrics metrics;
  private final Tracing tracing;
  private final HttpEngines engines;
  private final Upstreams upstreams;
  private final Identity identity;
  private final Consent consent;
  private final Counters counters;
  private final Plans plans;
  private final List<Route.Served> routes;
  private @Nullable Running running;
  private @Nullable Periodic keyWatch;

  /** What there is only while a gateway serves. */
  private record Running(
      ApiKeyStore keys,
      QueuedWriter<byte[]> accessLog,
      @Nullable AuditTrail audit,
      @Nullable Billing billing,
      KeyedHash limitNames,
      GatewayServer server) {}

  /**
   * Puts together what needs no listener: enough to know every route.
   *
   * @throws BadConfiguration the contract or a signing key cannot be served with
   */
  public Gateway(Configuration configuration) throws BadConfiguration {
    Problems problems = new Problems();
    Build build = Build.read();
    this.configuration = configuration;
    this.timer = timer();
    this.metrics = new Metrics(build.version());
    this.tracing = Tracing.of(configuration.settings().telemetry());
    ServiceTokens tokens = ServiceTokens.of(configuration.settings(), clock, problems);
    this.engines = new HttpEngines(configuration.settings(), configuration.file().streams(), timer);
    this.upstreams = new Upstreams(configuration.settings(), shared(tokens));
    this.identity =
        Identity.of(
            configuration.settings(),
            configuration.file(),
            configuration.roles(),
            engines.clients(),
            clock,
            problems);
    this.consent = new Consent(upstreams, configuration.settings().consentCache(), clock);
    this.counters =
        new Counters(configuration.settings(), configuration.file().redisDeadline(), clock, timer);
    this.plans = new Plans(configuration.file(), configuration.settings().rates());
    this.routes = compile(tokens, build, problems);
    problems.throwIfAny();
  }

  private static ScheduledThreadPoolExecutor timer() {
    ScheduledThreadPoolExecutor timer =
        new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().daemon().name("timer").factory());
    timer.setRemoveOnCancelPolicy(true);
    return timer;
  }

  private UpstreamClient.Shared shared(ServiceTokens tokens) {
    return new UpstreamClient.Shared(
        configuration.file(),
        configuration.settings().limits().replyBytes(),
        tokens,
        engines.clients(),
        metrics,
        tracing,
        System::nanoTime);
  }

  /** Tells what the gates make of requests, without a listener and without a call. */
  public Explanation explanation() {
    DevIssuer issuer = DevIssuer.made();
    ApiKeyStore noKeys =
        new ApiKeyStore(
            new KeyFile(configuration.settings().keyFile()),
            KeyedHash.ofPepper("of no use: no key is ever looked up by it"),
            configuration.roles(),
            clock);
    return new Explanation(
        new Router(routes),
        new FilterChain(
                configuration, identity, consent, counters, plans, lifecycle, metrics, tracing)
            .offline(noKeys, issuer.verifier(identity.rules())),
        claims -> issuer.sign(Explanation.completed(claims, configuration.settings().jwt(), clock)),
        clock);
  }

  private List<Route.Served> compile(ServiceTokens tokens, Build build, Problems problems) {
    return new RouteTable(
            configuration,
            upstreams,
            consent,
            new GatewayHandlers.State(
                lifecycle,
                upstreams,
                identity::isReady,
                new GatewayHandlers.Limits(counters::redis, counters.limiter()::isReady)),
            new UsageHandler(counters.limiter(), plans, this::nameOf),
            this::isStillGood,
            metrics,
            clock)
        .compile(tokens.published(), build, problems);
  }

  /** How the limits know a caller. */
  private String nameOf(Principal principal) {
    return running().limitNames.shortOf(principal.limitedAs());
  }

  private boolean isStillGood(Principal principal) {
    return running().keys.isStillGood(principal, configuration.settings().jwt().skew());
  }

  /** The routes as they are enforced. */
  public List<Route.Served> routes() {
    return routes;
  }

  /**
   * Binds the listener and takes requests.
   *
   * @param log where the access log goes
   * @throws BadConfiguration there is no pepper
   * @throws IOException the address is taken
   */
  public void start(OutputStream log) throws BadConfiguration, IOException {
    Settings settings = configuration.settings();
    String pepper = configuration.pepper();
    KeyFile keyFile = new KeyFile(settings.keyFile());
    ApiKeyStore keys =
        new ApiKeyStore(keyFile, KeyedHash.ofPepper(pepper), configuration.roles(), clock);
    QueuedWriter<byte[]> accessLog = AccessLine.writer(log);
    Path auditFile = settings.auditFile();
    AuditTrail audit =
        auditFile == null
            ? null
            : new AuditTrail(
                new AuditFile(auditFile, configuration.auditContext()),
                configuration.auditContext());
    Billing billing = billing();
    KeyedHash limitNames = KeyedHash.derived(pepper, "limits");
    Chain chain =
        new FilterChain(
                configuration, identity, consent, counters, plans, lifecycle, metrics, tracing)
            .chain(keys, new FilterChain.Records(accessLog, audit, billing), limitNames);
    GatewayServer server =
        new GatewayServer(settings, engines.server(), new Router(routes), chain, lifecycle, clock);
    running = new Running(keys, accessLog, audit, billing, limitNames, server);
    keys.refresh();
    // On a thread of its own: a slow disk must not delay the deadlines of replies.
    keyWatch =
        new Periodic(
            "key-file",
            () -> {
              keys.refresh();
              return KEY_FILE_INTERVAL;
            });
    metrics.watchKeyFile(keys::isGood);
    metrics.watchDroppedLines(accessLog::dropped);
    metrics.watchJvm();
    metrics.watchKeySetAge(identity::keysAgeSeconds);
    upstreams.watchHealth(HEALTH_LOOK);
    metrics.watchLimiter(counters.limiter()::isDegraded);
    identity.start();
    counters.start();
    server.start();
  }

  private @Nullable Billing billing() throws BadConfiguration {
    Settings.UsageOut usage = configuration.settings().usage();
    Path file = usage.outbox();
    if (file == null) {
      return null;
    }
    try {
      return new Billing(file, usage, engines.clients(), clock, new SecureRandom(), metrics);
    } catch (IOException unwritable) {
      throw new BadConfiguration(
          List.of("USAGE_OUTBOX: cannot be written: " + unwritable.getMessage()));
    }
  }

  private Running running() {
    if (running == null) {
      throw new IllegalStateException("not started");
    }
    return running;
  }

  public InetSocketAddress address() {
    return running().server.address();
  }

  /** Takes a changed key file now and not at the next look. */
  public void refreshKeys() {
    running().keys.refresh();
  }

  public int keyCount() {
    return running().keys.size();
  }

  /** Lets what is under way finish, then stops. */
  public void drain() throws InterruptedException {
    running().server.drain(configuration.settings().shutdownGrace());
    close();
  }

  @Override
  public void close() {
    Running now = running;
    if (now != null) {
      now.server.stop();
    }
    if (keyWatch != null) {
      keyWatch.close();
    }
    counters.close();
    identity.close();
    upstreams.close();
    if (now != null && now.billing != null) {
      now.billing.close();
    }
    engines.close();
    timer.shutdownNow();
    tracing.close();
    if (now != null) {
      now.accessLog.close();
      if (now.audit != null) {
        now.audit.close();
      }
    }
  }
}
