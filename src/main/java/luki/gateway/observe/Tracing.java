package luki.gateway.observe;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigurationException;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.IdGenerator;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import io.opentelemetry.sdk.trace.samplers.SamplingDecision;
import io.opentelemetry.sdk.trace.samplers.SamplingResult;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Level;
import java.util.logging.Logger;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.http.Method;
import luki.gateway.http.Route;
import luki.gateway.http.TraceContext;
import luki.gateway.http.Upstream;
import luki.gateway.observe.Label.TracedStep;
import org.jspecify.annotations.Nullable;

/**
 * Spans of requests, sent by OTLP over HTTP as the standard {@code OTEL_*} settings say; off while
 * no endpoint is set. On purpose without {@code url.path}, {@code url.query}, {@code
 * client.address} and {@code user_agent.original}: they can contain health data.
 */
public final class Tracing implements AutoCloseable {
  private static final AttributeKey<String> METHOD = AttributeKey.stringKey("http.request.method");
  private static final AttributeKey<String> ROUTE = AttributeKey.stringKey("http.route");
  private static final AttributeKey<String> SCHEME = AttributeKey.stringKey("url.scheme");
  private static final AttributeKey<String> PEER = AttributeKey.stringKey("peer.service");
  private static final Logger LIBRARY = Logger.getLogger("io.opentelemetry");
  private static final long CLOSE_SECONDS = 3;

  /** The ids of the span that is being started: they were made before it. */
  private static final ScopedValue<TraceContext> STARTING = ScopedValue.newInstance();

  private final @Nullable OpenTelemetrySdk sdk;
  private final @Nullable Tracer tracer;
  private final Sampler sampler;

  private Tracing(@Nullable OpenTelemetrySdk sdk, Sampler sampler) {
    this.sdk = sdk;
    this.tracer = sdk == null ? null : sdk.getTracer("luki-gateway");
    this.sampler = sampler;
  }

  public static Tracing off() {
    return new Tracing(null, Sampler.alwaysOff());
  }

  /**
   * Reads the standard variables.
   *
   * @param variables whose names begin with {@code OTEL_}
   * @throws BadConfiguration one of them cannot be used
   */
  public static Tracing of(Map<String, String> variables) throws BadConfiguration {
    if (!variables.containsKey("OTEL_EXPORTER_OTLP_ENDPOINT")) {
      return off();
    }
    Map<String, String> properties = new HashMap<>();
    properties.put("otel.service.name", "luki-api-gateway");
    properties.put("otel.exporter.otlp.protocol", "http/protobuf");
    variables.forEach(
        (name, value) -> properties.put(name.toLowerCase(Locale.ROOT).replace('_', '.'), value));
    properties.put("otel.metrics.exporter", "none");
    properties.put("otel.logs.exporter", "none");
    AtomicReference<Sampler> sampler = new AtomicReference<>(Sampler.alwaysOn());
    try {
      OpenTelemetrySdk sdk =
          AutoConfiguredOpenTelemetrySdk.builder()
              .addPropertiesCustomizer(_ -> properties)
              .addSamplerCustomizer(
                  (standard, _) -> {
                    sampler.set(standard);
                    // server() asks the sampler before it makes a span, since most are not
                    // recorded.
                    return Sampler.alwaysOn();
                  })
              .addSpanExporterCustomizer((exporter, _) -> new LoggedExporter(exporter))
              .addTracerProviderCustomizer((provider, _) -> provider.setIdGenerator(new Ids()))
              .disableShutdownHook()
              .build()
              .getOpenTelemetrySdk();
      return new Tracing(sdk, sampler.get());
    } catch (ConfigurationException | IllegalArgumentException wrong) {
      throw new BadConfiguration("OTEL_*: " + wrong.getMessage());
    }
  }

  public boolean isOn() {
    return tracer != null;
  }

  /** The span of a request. The context that goes on from it says whether it is recorded. */
  public TraceSpan server(TraceContext trace, Method method, Route of) {
    if (tracer == null) {
      return TraceSpan.unrecorded(trace);
    }
    String route = of.template();
    String name = route.isEmpty() ? method.label() : method.label() + " " + route;
    SamplingResult decision =
        sampler.shouldSample(
            parentOf(trace), trace.traceId(), name, SpanKind.SERVER, Attributes.empty(), List.of());
    if (decision.getDecision() != SamplingDecision.RECORD_AND_SAMPLE) {
      return TraceSpan.unrecorded(trace.sampled(false));
    }
    SpanBuilder builder =
        tracer
            .spanBuilder(name)
            .setSpanKind(SpanKind.SERVER)
            .setAllAttributes(decision.getAttributes())
            .setAttribute(METHOD, method.label())
            .setAttribute(SCHEME, "http")
            .setAttribute(ROUTE, route.isEmpty() ? null : route);
    return start(builder, trace.sampled(true));
  }

  /** A step of the filter chain, within a request's span. */
  public TraceSpan step(TraceContext within, TracedStep step) {
    return tracer == null || !within.isSampled()
        ? TraceSpan.unrecorded(within)
        : start(tracer.spanBuilder(step.label()), within.child(newSpanId()));
  }

  /**
   * One attempt to call a service, within a request's span. It has an id of its own, recorded or
   * not: the service's parent is the call (W3C Trace Context §3.2.2.4).
   */
  public TraceSpan client(TraceContext within, Upstream service, Method method) {
    TraceContext own = within.child(newSpanId());
    if (tracer == null || !within.isSampled()) {
      return TraceSpan.unrecorded(own);
    }
    SpanBuilder builder =
        tracer
            .spanBuilder(method.label() + " " + service.label())
            .setSpanKind(SpanKind.CLIENT)
            .setAttribute(METHOD, method.label())
            .setAttribute(PEER, service.label());
    return start(builder, own);
  }

  private static Context parentOf(TraceContext own) {
    if (own.parentId().isEmpty()) {
      return Context.root();
    }
    SpanContext parent =
        SpanContext.createFromRemoteParent(
            own.traceId(),
            own.parentId(),
            TraceFlags.fromHex(own.flags(), 0),
            TraceState.getDefault());
    return Context.root().with(Span.wrap(parent));
  }

  private static TraceSpan start(SpanBuilder builder, TraceContext own) {
    builder.setParent(parentOf(own));
    return new TraceSpan(own, ScopedValue.where(STARTING, own).call(builder::startSpan));
  }

  private static String newSpanId() {
    long id = ThreadLocalRandom.current().nextLong();
    return HexFormat.of().toHexDigits(id == 0 ? 1 : id);
  }

  private static final class Ids implements IdGenerator {
    @Override
    public String generateSpanId() {
      return STARTING.get().spanId();
    }

    @Override
    public String generateTraceId() {
      return STARTING.get().traceId();
    }
  }

  /** Logs when exports begin to fail, and when they succeed again. */
  private record LoggedExporter(SpanExporter exporter, FailureLog outage) implements SpanExporter {
    LoggedExporter(SpanExporter exporter) {
      this(
          exporter,
          new FailureLog(
              "traces",
              "the trace collector is unavailable; spans are dropped",
              "the trace collector is available again"));
      // It would log each failure, with its stack trace.
      LIBRARY.setLevel(Level.OFF);
    }

    @Override
    public CompletableResultCode export(Collection<SpanData> spans) {
      CompletableResultCode result = exporter.export(spans);
      return result.whenComplete(
          () -> {
            if (result.isSuccess()) {
              outage.succeeded();
            } else {
              outage.failed();
            }
          });
    }

    @Override
    public CompletableResultCode flush() {
      return exporter.flush();
    }

    @Override
    public CompletableResultCode shutdown() {
      return exporter.shutdown();
    }
  }

  /** Sends what is left, for at most three seconds. */
  @Override
  public void close() {
    if (sdk != null) {
      sdk.getSdkTracerProvider().shutdown().join(CLOSE_SECONDS, TimeUnit.SECONDS);
    }
  }
}
