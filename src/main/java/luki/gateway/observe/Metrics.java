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
import io.prometheus.metrics.instrumentation.jvm.JvmMetrics;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.Unit;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import jdk.management.VirtualThreadSchedulerMXBean;
import luki.gateway.http.Method;
import luki.gateway.http.Response;
import luki.gateway.http.Route;
import luki.gateway.http.TraceContext;
import luki.gateway.http.Upstream;
import luki.gateway.observe.Label.AuthMethod;
import luki.gateway.observe.Label.AuthOutcome;
import luki.gateway.observe.Label.IdempotencyOutcome;
import luki.gateway.observe.Label.LimitDecision;
import luki.gateway.observe.Label.LimitName;
import luki.gateway.observe.Label.StreamOutcome;
import luki.gateway.observe.Label.UpstreamOutcome;
import org.jspecify.annotations.Nullable;

/** Every metric of the gateway. Labels are route templates and closed sets; times in seconds. */
public final class Metrics implements AutoCloseable {
  // OpenTelemetry HTTP semantic conventions: the advised boundaries of request durations.
  private static final double[] SECONDS = {
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10
  };

  // Series by their labels: the library finds them by a list of strings, which is slower.
  private final Map<RequestLabels, DistributionDataPoint> requestSeries = new ConcurrentHashMap<>();
  private final Map<CallLabels, DistributionDataPoint> callSeries = new ConcurrentHashMap<>();
  private final Map<CounterLabels, CounterDataPoint> counterSeries = new ConcurrentHashMap<>();
  private final PrometheusRegistry registry = new PrometheusRegistry();
  private final ExpositionFormats formats = ExpositionFormats.init();

  private final Histogram requests =
      histogram(
          "http_server_request_duration_seconds",
          "Duration of requests, to the end of the reply",
          "http_request_method",
          "http_route",
          "http_response_status_code");
  private final Gauge active =
      gauge("http_server_active_requests", "Requests in flight, streams included");
  private final Histogram calls =
      histogram(
          "luki_gateway_upstream_request_duration_seconds",
          "Duration of calls to the services, each attempt separately",
          "upstream",
          "outcome");
  private final Counter auth =
      counter("luki_gateway_auth_total", "Credentials that were checked", "method", "outcome");
  private final Counter limits =
      counter("luki_gateway_rate_limit_total", "Decisions of the limits", "limit", "decision");
  private final Gauge streams = gauge("luki_gateway_streams", "Open event streams");
  private final Counter idempotency =
      counter("luki_gateway_idempotency_total", "Requests with an Idempotency-Key", "outcome");
  private final Counter streamOutcomes =
      counter("luki_gateway_stream_outcomes_total", "How event streams ended", "outcome");
  private final Histogram firstEvent =
      histogram("luki_gateway_stream_first_event_seconds", "From the request to the first event");

  /** Labels of a closed set: methods, templates of the contract, statuses. */
  private record RequestLabels(Method method, String route, int status) {}

  private record CallLabels(Upstream service, UpstreamOutcome outcome) {}

  private record CounterLabels(Counter counter, Label first, Label second) {}

  public Metrics(String version) {
    Info.builder()
        .name("luki_gateway_build_info")
        .help("The version that runs")
        .labelNames("version")
        .register(registry)
        .setLabelValues(version);
    for (StreamOutcome outcome : StreamOutcome.values()) {
      streamOutcomes.labelValues(outcome.label());
    }
  }

  Histogram histogram(String name, String help, String... labels) {
    return Histogram.builder()
        .name(name)
        .help(help)
        .unit(Unit.SECONDS)
        .labelNames(labels)
        .classicOnly()
        .classicUpperBounds(SECONDS)
        .register(registry);
  }

  Gauge gauge(String name, String help, String... labels) {
    return Gauge.builder().name(name).help(help).labelNames(labels).register(registry);
  }

  Counter counter(String name, String help, String... labels) {
    return Counter.builder().name(name).help(help).labelNames(labels).register(registry);
  }

  public void watch(String name, String help, DoubleSupplier value) {
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .callback(sink -> sink.call(value.getAsDouble()))
        .register(registry);
  }

  public void watchCounter(String name, String help, LongSupplier value) {
    CounterWithCallback.builder()
        .name(name)
        .help(help)
        .callback(sink -> sink.call((double) value.getAsLong()))
        .register(registry);
  }

  /** Memory, garbage collection and threads of the JVM, and the carriers of virtual threads. */
  public void watchJvm() {
    JvmMetrics.builder().register(registry);
    VirtualThreadSchedulerMXBean scheduler =
        ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class);
    if (scheduler == null) {
      return;
    }
    watch(
        "luki_gateway_virtual_threads_mounted",
        "Virtual threads that are running",
        scheduler::getMountedVirtualThreadCount);
    watch(
        "luki_gateway_virtual_threads_queued",
        "Virtual threads that could run and wait for a carrier",
        scheduler::getQueuedVirtualThreadCount);
    watch(
        "luki_gateway_virtual_thread_carriers",
        "Platform threads that carry virtual ones",
        scheduler::getPoolSize);
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
    DistributionDataPoint series =
        requestSeries.computeIfAbsent(
            new RequestLabels(method, route.template(), status),
            key ->
                requests.labelValues(key.method.label(), key.route, Integer.toString(key.status)));
    if (trace.isSampled()) {
      series.observeWithExemplar(seconds(nanos), Labels.of("trace_id", trace.traceId()));
    } else {
      series.observe(seconds(nanos));
    }
  }

  public void upstreamCall(Upstream service, UpstreamOutcome outcome, long nanos) {
    callSeries
        .computeIfAbsent(
            new CallLabels(service, outcome),
            key -> calls.labelValues(key.service.label(), key.outcome.label()))
        .observe(seconds(nanos));
  }

  public void authentication(AuthMethod method, AuthOutcome outcome) {
    count(new CounterLabels(auth, method, outcome));
  }

  public void rateLimit(LimitName limit, LimitDecision decision) {
    count(new CounterLabels(limits, limit, decision));
  }

  private void count(CounterLabels labels) {
    counterSeries
        .computeIfAbsent(
            labels, key -> key.counter.labelValues(key.first.label(), key.second.label()))
        .inc();
  }

  public void streamBegins() {
    streams.inc();
  }

  public void streamEnds(StreamOutcome outcome) {
    streams.dec();
    streamOutcomes.labelValues(outcome.label()).inc();
  }

  public void idempotency(IdempotencyOutcome outcome) {
    idempotency.labelValues(outcome.label()).inc();
  }

  public void firstEvent(long nanos) {
    firstEvent.observe(seconds(nanos));
  }

  /** Shows the state of the services' circuit breakers. */
  public void watchCircuits(Set<Upstream> services, Predicate<Upstream> open) {
    GaugeWithCallback.builder()
        .name("luki_gateway_circuit_open")
        .help("1 while the circuit breaker of a service is open")
        .labelNames("upstream")
        .callback(
            sink -> services.forEach(each -> sink.call(open.test(each) ? 1 : 0, each.label())))
        .register(registry);
  }

  /** The reply in the text form that the Accept header asks for, Prometheus' own otherwise. */
  public Response expose(@Nullable String accept) {
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
    return Response.bytes(200, writer.getContentType(), out.toByteArray());
  }

  /** Lets go of what it shows: the library's metrics of the JVM keep every registry. */
  @Override
  public void close() {
    registry.clear();
  }

  static double seconds(long nanos) {
    return nanos / 1e9;
  }
}
