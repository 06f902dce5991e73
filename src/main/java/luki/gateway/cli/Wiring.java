package luki.gateway.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadLocalRandom;
import luki.gateway.auth.Consent;
import luki.gateway.auth.CredentialWatch;
import luki.gateway.auth.Identity;
import luki.gateway.auth.KeyFile;
import luki.gateway.auth.KeyRing;
import luki.gateway.auth.KeyedHash;
import luki.gateway.auth.ServiceTokens;
import luki.gateway.config.BadConfiguration;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.Problems;
import luki.gateway.config.Settings;
import luki.gateway.contract.Contract;
import luki.gateway.contract.ContractCompiler;
import luki.gateway.contract.Router;
import luki.gateway.filter.AccessLog;
import luki.gateway.filter.Admission;
import luki.gateway.filter.AskConsent;
import luki.gateway.filter.Authenticate;
import luki.gateway.filter.AuthorizeOwner;
import luki.gateway.filter.AuthorizeScope;
import luki.gateway.filter.Cors;
import luki.gateway.filter.Deadlines;
import luki.gateway.filter.Errors;
import luki.gateway.filter.Measure;
import luki.gateway.filter.ReadBody;
import luki.gateway.filter.RequestIds;
import luki.gateway.filter.SecurityHeaders;
import luki.gateway.filter.Validate;
import luki.gateway.handler.ChatHandlers;
import luki.gateway.handler.DocsHandlers;
import luki.gateway.handler.ElrHandlers;
import luki.gateway.handler.GatewayHandlers;
import luki.gateway.handler.ModuleHandlers;
import luki.gateway.handler.OverviewHandler;
import luki.gateway.http.Chain;
import luki.gateway.http.Handler;
import luki.gateway.http.Principal;
import luki.gateway.http.Route;
import luki.gateway.observe.Lifecycle;
import luki.gateway.observe.LineWriter;
import luki.gateway.observe.Metrics;
import luki.gateway.server.GatewayServer;
import luki.gateway.upstream.DownstreamClient;
import luki.gateway.upstream.Upstreams;
import org.jspecify.annotations.Nullable;

/** The composition root: the one place where the parts of a gateway are put together. */
public final class Wiring implements AutoCloseable {
  private static final Duration KEY_FILE_LOOK = Duration.ofSeconds(2);
  private static final Duration HEALTH_LOOK = Duration.ofSeconds(10);

  private final Configuration configuration;
  private final Clock clock = Clock.systemUTC();
  private final Lifecycle lifecycle = new Lifecycle();
  private final ScheduledThreadPoolExecutor timer;
  private final Metrics metrics;
  private final Upstreams upstreams;
  private final Identity identity;
  private final List<Route> routes;
  private @Nullable Running running;
  private @Nullable Thread keyWatch;

  /** What there is only while a gateway serves. */
  private record Running(KeyRing keys, LineWriter accessLog, GatewayServer server) {}

  /**
   * Puts together what needs no listener: enough to know every route.
   *
   * @throws BadConfiguration the contract or a signing key cannot be served with
   */
  public Wiring(Configuration configuration) throws BadConfiguration {
    Problems problems = new Problems();
    Build build = Build.read();
    this.configuration = configuration;
    this.timer = timer();
    this.metrics = new Metrics(build.version());
    ServiceTokens tokens = ServiceTokens.of(configuration.settings(), clock, problems);
    this.upstreams = new Upstreams(configuration.settings(), shared(tokens));
    this.identity =
        Identity.of(
            configuration.settings(),
            configuration.file(),
            configuration.roles(),
            timer,
            clock,
            problems);
    this.routes = compile(tokens, build, problems);
    problems.throwIfAny();
  }

  private static ScheduledThreadPoolExecutor timer() {
    ScheduledThreadPoolExecutor timer =
        new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().daemon().name("timer").factory());
    timer.setRemoveOnCancelPolicy(true);
    return timer;
  }

  private DownstreamClient.Shared shared(ServiceTokens tokens) {
    return new DownstreamClient.Shared(
        configuration.file(),
        configuration.settings().limits().replyBytes(),
        tokens,
        timer,
        metrics,
        System::nanoTime);
  }

  /** The security argument in fifteen lines: what a request passes, in this order. */
  private Chain chain(KeyRing keys, LineWriter accessLog, KeyedHash principals) {
    Settings settings = configuration.settings();
    Errors errors = new Errors();
    return new Chain(
        List.of(
            new RequestIds(ThreadLocalRandom::current),
            new SecurityHeaders(settings),
            new AccessLog(accessLog, principals),
            new Measure(metrics),
            new Cors(settings.corsOrigins()),
            errors,
            new Deadlines(),
            new Admission(lifecycle, configuration.file().maxInFlight()),
            new Authenticate(keys, identity.verifier(), metrics),
            new AuthorizeScope(),
            new ReadBody(settings.limits().bodyBytes()),
            new AuthorizeOwner(),
            new Validate(),
            new AskConsent(new Consent(upstreams), clock)),
        errors);
  }

  private List<Route> compile(ServiceTokens tokens, Build build, Problems problems) {
    GatewayFile file = configuration.file();
    Consent consent = new Consent(upstreams);
    Map<String, Handler> handlers = new HashMap<>();
    handlers.putAll(
        new GatewayHandlers(
                build.version(),
                new GatewayHandlers.State(lifecycle, upstreams, identity::isReady),
                metrics,
                tokens.published())
            .byName());
    handlers.putAll(
        new DocsHandlers(
                configuration.document().published(),
                configuration.document().title(),
                build.redoc())
            .byName());
    handlers.putAll(
        new ChatHandlers(
                upstreams,
                consent,
                file,
                lifecycle,
                this::isStillGood,
                metrics,
                () -> UUID.randomUUID().toString())
            .byName());
    handlers.putAll(new ElrHandlers(upstreams, clock).byName());
    handlers.putAll(new ModuleHandlers(upstreams).byName());
    handlers.put("overview", new OverviewHandler(upstreams, consent));
    Contract contract =
        ContractCompiler.compile(
            configuration.document(), handlers, file.defaultDeadline(), problems);
    boolean openMetrics = configuration.settings().metricsOpen();
    return contract.routes().stream()
        .map(route -> openMetrics && route.template().equals("/metrics") ? route.opened() : route)
        .toList();
  }

  private boolean isStillGood(Principal principal) {
    return new CredentialWatch(running().keys, configuration.settings().jwt().skew(), clock)
        .isStillGood(principal);
  }

  /** The routes as they are enforced. */
  List<Route> routes() {
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
    KeyRing keys = new KeyRing(keyFile, KeyedHash.ofPepper(pepper), configuration.roles(), clock);
    LineWriter accessLog = new LineWriter(log);
    Chain chain = chain(keys, accessLog, KeyedHash.derived(pepper, "access-log"));
    GatewayServer server =
        new GatewayServer(settings, new Router(new Contract(routes)), chain, lifecycle, clock);
    running = new Running(keys, accessLog, server);
    keys.refresh();
    keyWatch = Thread.ofVirtual().name("key-file").start(() -> watch(keys));
    metrics.watchKeyFile(keys::isGood);
    metrics.watchDroppedLines(accessLog::dropped);
    metrics.watchKeySetAge(identity::keysAgeSeconds);
    upstreams.watchHealth(HEALTH_LOOK);
    identity.start();
    server.start();
  }

  /** On a thread of its own: a slow disk must not hold up the deadlines of replies. */
  private static void watch(KeyRing keys) {
    try {
      while (true) {
        Thread.sleep(KEY_FILE_LOOK);
        keys.refresh();
      }
    } catch (InterruptedException closed) {
      // close() was called.
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

  int keyCount() {
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
      keyWatch.interrupt();
    }
    identity.close();
    upstreams.close();
    timer.shutdownNow();
    if (now != null) {
      now.accessLog.close();
    }
  }
}
