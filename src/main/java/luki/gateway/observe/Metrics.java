package luki.gateway.observe;

import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.core.metrics.Info;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.Unit;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import luki.gateway.http.Method;
import luki.gateway.http.Route;
import luki.gateway.http.TraceContext;
import luki.gateway.http.Upstream;
import luki.gateway.observe.Label.AuthMethod;
import luki.gateway.observe.Label.AuthOutcome;
import luki.gateway.observe.Label.LimitDecision;
import luki.gateway.observe.Label.LimitName;
import luki.gateway.observe.Label.StreamOutcome;
import luki.gateway.observe.Label.UpstreamOutcome;
import org.jspecify.annotations.Nullable;

/** Every metric of the gateway. Labels are route templates and closed sets; times in seconds. */
public final class Metrics {
  // OpenTelemetry HTTP semantic conventions: the advised boundaries of request durations.
  private static final double[] SECONDS = {
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10
  };

  // Children by their kind: the library looks them up by a list of texts.
  private final Map<RequestKind, DistributionDataPoint> requestPoints = new ConcurrentHashMap<>();
  private final Map<CallKind, DistributionDataPoint> callPoints = new ConcurrentHashMap<>();
  private final Map<AuthKind, CounterDataPoint> authPoints = new ConcurrentHashMap<>();
  private final Map<LimitKind, CounterDataPoint> limitPoints = new ConcurrentHashMap<>();
  private final List<Circuit> circuits = new CopyOnWriteArrayList<>();
  private final PrometheusRegistry registry = new PrometheusRegistry();
  private final ExpositionFormats formats = ExpositionFormats.init();

  private final Histogram requests =
      Histogram.builder()
          .name("http_server_request_duration_seconds")
          .help("Duration of requests, to the end of the reply")
          .unit(Unit.SECONDS)
          .labelNames("http_request_method", "http_route", "http_response_status_code")
          .classicOnly()
          .classicUpperBounds(SECONDS)
          .register(registry);
  private final Gauge active =
      Gauge.builder()
          .name("http_server_active_requests")
          .help("Requests under way, streams included")
          .register(registry);
  private final Histogram upstream =
      Histogram.builder()
          .name("luki_gateway_upstream_request_duration_seconds")
          .help("Duration of calls to the services, each attempt by itself")
          .unit(Unit.SECONDS)
          .labelNames("upstream", "outcome")
          .classicOnly()
          .classicUpperBounds(SECONDS)
          .register(registry);
  private final Counter auth =
      Counter.builder()
          .name("luki_gateway_auth_total")
          .help("Credentials that were looked at")
          .labelNames("method", "outcome")
          .register(registry);
  private final Counter limits =
      Counter.builder()
          .name("luki_gateway_rate_limit_total")
          .help("What the limits decided")
          .labelNames("limit", "decision")
          .register(registry);
  private final Counter usageLost =
      Counter.builder()
          .name("luki_gateway_usage_events_lost_total")
          .help("Usage events that could not be written to the outbox")
          .register(registry);
  private final Gauge streams =
      Gauge.builder()
          .name("luki_gateway_streams")
          .help("Event streams open to readers")
          .register(registry);
  private final Counter streamOutcomes =
      Counter.builder()
          .name("luki_gateway_stream_outcomes_total")
          .help("How event streams ended")
          .labelNames("outcome")
          .register(registry);
  private final Histogram firstEvent =
      Histogram.builder()
          .name("luki_gateway_stream_first_event_seconds")
          .help("From the request to the first event")
          .unit(Unit.SECONDS)
          .classicOnly()
          .classicUpperBounds(SECONDS)
          .register(registry);

  public Metrics(String version) {
    Info.builder()
        .name("luki_gateway_build_info")
        .help("The version that runs")
        .labelNames("version")
        .register(registry)
        .setLabelValues(version);
    GaugeWithCallback.builder()
        .name("luki_gateway_circuit_open")
        .help("1 while a service is left alone")
        .labelNames("upstream")
        .callback(
            sink ->
                circuits.forEach(
                    circuit ->
                        sink.call(
                            circuit.open().getAsBoolean() ? 1 : 0, circuit.upstream().label())))
        .register(registry);
    for (StreamOutcome outcome : StreamOutcome.values()) {
      streamOutcomes.labelValues(outcome.label());
    }
  }

  /** Shows the figures of the JVM. */
  public void watchJvm() {
    JvmFigures.register(registry);
  }

  public void requestBegins() {
    active.inc();
  }

  /**
   * By the template of its route, which is empty where the contract has no such path.
   *
   * @param trace an exemplar of the duration where it is recorded
   */
  public void requestEnds(Method method, Route route, int status, long nanos, TraceContext trace) {
    active.dec();
    DistributionDataPoint point =
        requestPoints.computeIfAbsent(
            new RequestKind(method, route.template(), status),
            kind ->
                requests.labelValues(
                    kind.method.label(), kind.route, Integer.toString(kind.status)));
    if (trace.isSampled()) {
      point.observeWithExemplar(seconds(nanos), Labels.of("trace_id", trace.traceId()));
    } else {
      point.observe(seconds(nanos));
    }
  }

  /** A closed set: methods, templates of the contract, statuses. */
  private record RequestKind(Method method, String route, int status) {}

  private record CallKind(Upstream service, UpstreamOutcome outcome) {}

  private record AuthKind(AuthMethod method, AuthOutcome outcome) {}

  private record LimitKind(LimitName limit, LimitDecision decision) {}

  public void upstreamCall(Upstream who, UpstreamOutcome outcome, long nanos) {
    callPoints
        .computeIfAbsent(
            new CallKind(who, outcome),
            kind -> upstream.labelValues(kind.service.label(), kind.outcome.label()))
        .observe(seconds(nanos));
  }

  public void authentication(AuthMethod method, AuthOutcome outcome) {
    authPoints
        .computeIfAbsent(
            new AuthKind(method, outcome),
            kind -> auth.labelValues(kind.method.label(), kind.outcome.label()))
        .inc();
  }

  public void rateLimit(LimitName limit, LimitDecision decision) {
    limitPoints
        .computeIfAbsent(
            new LimitKind(limit, decision),
            kind -> limits.labelValues(kind.limit.label(), kind.decision.label()))
        .inc();
  }

  public void usageEventLost() {
    usageLost.inc();
  }

  public void streamBegins() {
    streams.inc();
  }

  public void streamEnds(StreamOutcome outcome) {
    streams.dec();
    streamOutcomes.labelValues(outcome.label()).inc();
  }

  public void firstEvent(long nanos) {
    firstEvent.observe(seconds(nanos));
  }

  /** Shows the state of a service's breaker. */
  public void watchCircuit(Upstream who, BooleanSupplier open) {
    circuits.add(new Circuit(who, open));
  }

  private record Circuit(Upstream upstream, BooleanSupplier open) {}

  public void watchDroppedLines(LongSupplier dropped) {
    CounterWithCallback.builder()
        .name("luki_gateway_log_lines_dropped_total")
        .help("Access log lines that did not fit")
        .callback(sink -> sink.call((double) dropped.getAsLong()))
        .register(registry);
  }

  public void watchLimiter(BooleanSupplier degraded) {
    GaugeWithCallback.builder()
        .name("luki_gateway_ratelimit_degraded")
        .help("1 while limits are not counted where they should be")
        .callback(sink -> sink.call(degraded.getAsBoolean() ? 1 : 0))
        .register(registry);
  }

  /** Shows how many usage events are written and not delivered. */
  public void watchUsageBacklog(LongSupplier bytes) {
    GaugeWithCallback.builder()
        .name("luki_gateway_usage_backlog_bytes")
        .help("Usage events in the outbox that the sink has not taken")
        .callback(sink -> sink.call((double) bytes.getAsLong()))
        .register(registry);
  }

  public void watchKeySetAge(LongSupplier seconds) {
    GaugeWithCallback.builder()
        .name("luki_gateway_jwks_age_seconds")
        .help("Since the issuer's keys were loaded; -1 while they never were")
        .callback(sink -> sink.call((double) seconds.getAsLong()))
        .register(registry);
  }

  public void watchKeyFile(BooleanSupplier good) {
    GaugeWithCallback.builder()
        .name("luki_gateway_key_file_ok")
        .help("1 while the file of API keys can be read")
        .callback(sink -> sink.call(good.getAsBoolean() ? 1 : 0))
        .register(registry);
  }

  /** The text form that the Accept header asks for, Prometheus' own otherwise. */
  public Exposition expose(@Nullable String accept) {
    ExpositionFormatWriter writer = formats.findWriter(accept);
    if (writer.getContentType().contains("protobuf")) {
      writer = formats.getPrometheusTextFormatWriter();
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream(16_384);
    try {
      writer.write(out, registry.scrape());
    } catch (IOException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
    return new Exposition(writer.getContentType(), out);
  }

  /** What {@code /metrics} answers. */
  public record Exposition(String contentType, ByteArrayOutputStream body) {}

  private static double seconds(long nanos) {
    return nanos / 1e9;
  }
}
