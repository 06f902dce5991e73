package luki.gateway.observe;

import io.opentelemetry.api.common.AttributeKey;
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
import io.opentelemetry.sdk.trace.IdGenerator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import luki.gateway.config.BadConfiguration;
import luki.gateway.http.Downstream;
import luki.gateway.http.Method;
import luki.gateway.http.Route;
import luki.gateway.http.TraceContext;
import org.jspecify.annotations.Nullable;

/**
 * Spans of requests, sent by OTLP over HTTP as the standard {@code OTEL_*} settings say; off while
 * no endpoint is set. On purpose without {@code url.path}, {@code url.query}, {@code
 * client.address} and {@code user_agent.original}: they can hold health data.
 */
public final class Tracing implements AutoCloseable {
  private static final String ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";
  private static final AttributeKey<String> METHOD = AttributeKey.stringKey("http.request.method");
  private static final AttributeKey<String> ROUTE = AttributeKey.stringKey("http.route");
  private static final AttributeKey<String> SCHEME = AttributeKey.stringKey("url.scheme");
  private static final AttributeKey<String> PEER = AttributeKey.stringKey("peer.service");
  private static final long LAST_WORDS_SECONDS = 3;

  /** The ids of the span that is being started: they were given out before. */
  private static final ScopedValue<TraceContext> STARTING = ScopedValue.newInstance();

  private final @Nullable OpenTelemetrySdk sdk;
  private final @Nullable Tracer tracer;

  private Tracing(@Nullable OpenTelemetrySdk sdk) {
    this.sdk = sdk;
    this.tracer = sdk == null ? null : sdk.getTracer("luki-gateway");
  }

  public static Tracing off() {
    return new Tracing(null);
  }

  /**
   * As the variables say.
   *
   * @param variables whose names begin with {@code OTEL_}
   * @throws BadConfiguration one of them cannot be used
   */
  public static Tracing of(Map<String, String> variables) throws BadConfiguration {
    if (!variables.containsKey(ENDPOINT)) {
      return off();
    }
    Map<String, String> properties = new HashMap<>();
    properties.put("otel.service.name", "luki-api-gateway");
    properties.put("otel.exporter.otlp.protocol", "http/protobuf");
    variables.forEach(
        (name, value) -> properties.put(name.toLowerCase(Locale.ROOT).replace('_', '.'), value));
    properties.put("otel.metrics.exporter", "none");
    properties.put("otel.logs.exporter", "none");
    try {
      return new Tracing(
          AutoConfiguredOpenTelemetrySdk.builder()
              .addPropertiesCustomizer(_ -> properties)
              .addTracerProviderCustomizer((provider, _) -> provider.setIdGenerator(new Ids()))
              .disableShutdownHook()
              .build()
              .getOpenTelemetrySdk());
    } catch (ConfigurationException | IllegalArgumentException wrong) {
      throw new BadConfiguration(List.of("OTEL_*: " + wrong.getMessage()));
    }
  }

  public boolean isOn() {
    return tracer != null;
  }

  /** The span of a request; whether it is recorded is decided here, and told in its context. */
  public TraceSpan server(TraceContext trace, Method method, Route of) {
    if (tracer == null) {
      return new TraceSpan(trace, null);
    }
    String route = of.template();
    String name = route.isEmpty() ? method.label() : method.label() + " " + route;
    Span span = started(tracer.spanBuilder(name).setSpanKind(SpanKind.SERVER), trace);
    boolean recorded = span.getSpanContext().isSampled();
    if (recorded) {
      // Only now: most are not recorded, and would have made them for nothing.
      span.setAttribute(METHOD, method.label()).setAttribute(SCHEME, "http");
      if (!route.isEmpty()) {
        span.setAttribute(ROUTE, route);
      }
    }
    return new TraceSpan(trace.sampled(recorded), recorded ? span : null);
  }

  /** A gate's own time, within a request's span. */
  public TraceSpan gate(TraceContext within, Gate gate) {
    if (tracer == null || !within.isSampled()) {
      return new TraceSpan(within, null);
    }
    TraceContext own = within.child(newSpanId());
    return new TraceSpan(own, started(tracer.spanBuilder(gate.label()), own));
  }

  /** One attempt to call a service, within a request's span. */
  public TraceSpan client(TraceContext within, Downstream service, Method method) {
    if (tracer == null || !within.isSampled()) {
      return new TraceSpan(within, null);
    }
    TraceContext own = within.child(newSpanId());
    SpanBuilder builder =
        tracer
            .spanBuilder(method.label() + " " + service.label())
            .setSpanKind(SpanKind.CLIENT)
            .setAttribute(METHOD, method.label())
            .setAttribute(PEER, service.label());
    return new TraceSpan(own, started(builder, own));
  }

  private static Span started(SpanBuilder builder, TraceContext own) {
    if (own.parentId().isEmpty()) {
      builder.setNoParent();
    } else {
      SpanContext parent =
          SpanContext.createFromRemoteParent(
              own.traceId(),
              own.parentId(),
              TraceFlags.fromHex(own.flags(), 0),
              TraceState.getDefault());
      builder.setParent(Context.root().with(Span.wrap(parent)));
    }
    return ScopedValue.where(STARTING, own).call(builder::startSpan);
  }

  private static String newSpanId() {
    long id = ThreadLocalRandom.current().nextLong();
    return "%016x".formatted(id == 0 ? 1 : id);
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

  /** Sends what is left, for a moment. */
  @Override
  public void close() {
    if (sdk != null) {
      sdk.getSdkTracerProvider().shutdown().join(LAST_WORDS_SECONDS, TimeUnit.SECONDS);
    }
  }
}
