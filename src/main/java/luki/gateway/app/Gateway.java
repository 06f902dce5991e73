package luki.gateway.app;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import luki.gateway.audit.AuditFile;
import luki.gateway.audit.AuditTrail;
import luki.gateway.config.Problems;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.Settings;
import luki.gateway.contract.Router;
import luki.gateway.delivery.Billing;
import luki.gateway.door.Door;
import luki.gateway.http.Deadline;
import luki.gateway.http.Ids;
import luki.gateway.http.Route;
import luki.gateway.http.Upstream;
import luki.gateway.observe.AccessLine;
import luki.gateway.observe.Metrics;
import luki.gateway.observe.Periodic;
import luki.gateway.observe.QueuedWriter;
import luki.gateway.observe.ReloadLog;
import luki.gateway.server.ExchangeReader;
import luki.gateway.server.GatewayServer;
import luki.gateway.tokens.DevIssuer;
import org.jspecify.annotations.Nullable;

/** The composition root: the one place where the parts of a gateway are put together. */
public final class Gateway implements AutoCloseable {
  private static final Duration KEY_FILE_INTERVAL = Duration.ofSeconds(2);
  private static final Duration HEALTH_INTERVAL = Duration.ofSeconds(10);
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(5);

  /** For the process itself to end. */
  private static final Duration EXIT_TIME = Duration.ofMillis(250);

  /** The least time for streams to send their last event, of a grace that is long enough. */
  private static final Duration MIN_STREAM_END = Duration.ofSeconds(1);

  /** What each request in flight adds to it: two slow processors end 5,000 streams in a second. */
  private static final Duration STREAM_END_PER_REQUEST = Duration.ofNanos(200_000);

  /** The most time to close the parts, after the streams have ended. */
  private static final Duration MAX_CLOSE = Duration.ofSeconds(1);

  private final Configuration.Build build = Configuration.Build.read();

  // As they were made at the start, which are closed at the end.
  final Parts parts;
  private final Reload reload;
  private volatile Parts current;
  private volatile List<Route.Served> routes;
  private final AtomicBoolean closed = new AtomicBoolean();
  private volatile @Nullable Running running;

  /** What exists only while a gateway serves: the server, and what is closed after it. */
  private record Running(GatewayServer server, FilterChain filters, List<AutoCloseable> parts) {}

  /**
   * Puts together what needs no listener: enough to know every route.
   *
   * @throws BadConfiguration the contract or a key is not usable
   */
  public Gateway(Configuration configuration) throws BadConfiguration {
    Problems problems = new Problems();
    this.parts = Parts.of(configuration, build.version(), problems);
    this.current = parts;
    this.reload = new Reload(this, configuration, new ReloadLog(parts.metrics()));
    this.routes = new RouteTable(parts, build).compile(problems);
    problems.throwIfAny();
  }

  /** The routes as they are enforced. */
  public List<Route.Served> routes() {
    return routes;
  }

  /** Explains what the filters do with requests, without a listener and without a call. */
  public Explanation explanation() {
    DevIssuer issuer = DevIssuer.made();
    Settings.Jwt jwt = parts.configuration().settings().jwt();
    return new Explanation(
        new ExchangeReader(new Router(routes), new Ids(ThreadLocalRandom::current), parts.clock()),
        FilterChain.withoutConsent(
            current, issuer.verifier(current.identity().verifier()), _ -> {}),
        claims -> issuer.sign(Explanation.completed(claims, jwt, parts.clock())));
  }

  /** From now on {@code /readyz} answers 200, as far as the parts are ready. */
  public void ready() {
    parts.lifecycle().serving();
  }

  /**
   * Binds the listener and accepts requests, but is not ready yet.
   *
   * @param log where the access log goes
   * @throws BadConfiguration there is no pepper, or the address cannot be bound
   */
  public void accept(OutputStream log) throws BadConfiguration, IOException {
    Configuration configuration = parts.configuration();
    Settings settings = configuration.settings();
    configuration.pepper();
    QueuedWriter<AccessLine> accessLog = AccessLine.writer(log);
    Metrics metrics = parts.metrics();
    Path auditFile = settings.auditFile();
    AuditTrail audit =
        auditFile == null
            ? null
            : new AuditTrail(new AuditFile(auditFile, configuration.auditContext()));
    Billing billing = billing(settings.usage());
    FilterChain filters =
        new FilterChain(
            parts,
            parts.identity().verifier(),
            parts.consent()::ask,
            accessLog::add,
            audit,
            billing);
    GatewayServer server = bind(settings, filters);
    refreshKeys();
    // On a thread of its own: a slow disk must not delay the deadlines of replies.
    Periodic keyWatch =
        new Periodic(
            "key-file",
            () -> {
              refreshKeys();
              return KEY_FILE_INTERVAL;
            });
    List<AutoCloseable> closeable =
        new ArrayList<>(List.of(accessLog, keyWatch, new Periodic("configuration", reload::poll)));
    if (audit != null) {
      metrics.watchCounter(
          "luki_gateway_audit_records_lost_total",
          "Audit records that could not be written to the audit file",
          audit::lost);
      closeable.add(audit);
    }
    if (billing != null) {
      closeable.add(billing);
    }
    running = new Running(server, filters, closeable);
    watch(accessLog);
    parts.access().start(() -> current.consent(), exchange -> current.refusal(exchange));
    parts.start(server, () -> current, () -> routes);
    server.start();
  }

  private GatewayServer bind(Settings settings, FilterChain filters)
      throws BadConfiguration, IOException {
    try {
      return filters.server(routes);
    } catch (SocketException refused) {
      throw BadConfiguration.ofAddress(
          new InetSocketAddress(settings.host(), settings.port()), refused);
    }
  }

  private void watch(QueuedWriter<AccessLine> accessLog) {
    Metrics metrics = parts.metrics();
    metrics.watch(
        "luki_gateway_key_file_ok",
        "1 while the file of API keys can be read",
        () -> current.keys().isGood() ? 1 : 0);
    metrics.watchCounter(
        "luki_gateway_log_lines_dropped_total",
        "Access log lines that were dropped",
        accessLog::dropped);
    metrics.watchJvm();
    metrics.watch(
        "luki_gateway_ratelimit_degraded",
        "1 while limits are not counted where they should be",
        () -> parts.limiters().isDegraded() ? 1 : 0);
    Set<Upstream> services = parts.configuration().settings().services();
    metrics.watchCircuits(services, who -> current.isTripped(who));
    parts.upstreams().watchHealth(HEALTH_INTERVAL, () -> current.upstreams());
  }

  /** Reads the configuration again; one that cannot be used is logged and changes nothing. */
  public void reload() {
    if (running != null) {
      reload.now();
    }
  }

  /**
   * Uses another configuration for the next requests.
   *
   * @return how many routes it has
   * @throws BadConfiguration it cannot be used, and nothing has changed
   */
  int use(Configuration next) throws BadConfiguration, IOException {
    Problems problems = new Problems();
    Parts newer = current.with(next, problems);
    List<Route.Served> compiled = new RouteTable(newer, build).compile(problems);
    problems.throwIfAny();
    FilterChain filters = running().filters.with(newer);
    newer.shedding().use(next.file().maxQueueDelay());
    AuditTrail audit = filters.audit();
    if (audit != null) {
      audit.use(next.auditContext());
    }
    running().server.use(new Router(compiled), filters.chain());
    parts.doors().all().forEach(door -> door.use(compiled));
    current = newer;
    routes = compiled;
    return compiled.size();
  }

  private @Nullable Billing billing(Settings.UsageOut usage) throws BadConfiguration {
    return usage.outbox() == null
        ? null
        : new Billing(usage, parts.engines(), parts.clock(), new SecureRandom(), parts.metrics());
  }

  private Running running() {
    return Objects.requireNonNull(running, "not started");
  }

  public InetSocketAddress address() {
    return running().server.address();
  }

  /** Reads the key file and the shares of versions now, not at the next interval. */
  public void refreshKeys() {
    current.keys().refresh();
    current.upstreams().rollouts().refresh();
  }

  /** What messages hold of the memory budget, in bytes. */
  public long heldMemory() {
    return parts.memory().used();
  }

  public int keyCount() {
    return current.keys().size();
  }

  /** The longest that {@link #drain} takes. */
  Duration grace() {
    return parts.configuration().settings().shutdownGrace();
  }

  /** Lets requests in flight finish, then stops, all within the grace. */
  public void drain() {
    Deadline end = Deadline.after(grace().minus(EXIT_TIME));
    try {
      parts.lifecycle().leave(parts.configuration().settings().drainDelay());
      Duration time = end.left();
      Duration streamEnd = streamEnd(time, parts.lifecycle().inFlight());
      Duration close = Collections.min(List.of(streamEnd, MAX_CLOSE));
      parts.doors().all().forEach(Door::drain);
      running().server.drain(time.minus(streamEnd).minus(close), streamEnd);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    } finally {
      close(end);
    }
  }

  /** The part of the grace in which streams send their last event: at most a quarter. */
  static Duration streamEnd(Duration grace, int inFlight) {
    Duration needed = MIN_STREAM_END.plus(STREAM_END_PER_REQUEST.multipliedBy(inFlight));
    return Collections.min(List.of(needed, grace.dividedBy(4)));
  }

  @Override
  public void close() {
    close(Deadline.after(CLOSE_LIMIT));
  }

  void close(Deadline end) {
    if (closed.getAndSet(true)) {
      return;
    }
    List<AutoCloseable> all = new ArrayList<>(parts.closeable());
    Running now = running;
    if (now != null) {
      now.server.stop();
      all.addAll(now.parts);
    }
    Shutdown.close(end, all);
    parts.engines().close();
    parts.metrics().close();
  }
}
