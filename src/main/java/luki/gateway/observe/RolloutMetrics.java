package luki.gateway.observe;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.Histogram;
import luki.gateway.http.Upstream;
import luki.gateway.http.UpstreamVersion;

/** The metrics of services that have several versions. */
public final class RolloutMetrics {
  private final Histogram calls;
  private final Gauge percent;
  private final Counter aborts;
  private final Counter mirrored;

  /** What became of a mirrored call. */
  public enum Mirrored implements Label {
    ANSWERED,
    FAILED,
    /** Too many were in flight. */
    DROPPED
  }

  public RolloutMetrics(Metrics metrics) {
    this.calls =
        metrics.histogram(
            "luki_gateway_upstream_version_duration_seconds",
            "Duration of calls to services with several versions",
            "upstream",
            "version",
            "outcome");
    this.percent =
        metrics.gauge(
            "luki_gateway_upstream_version_percent",
            "Callers whose calls go to the version",
            "upstream",
            "version");
    this.aborts =
        metrics.counter(
            "luki_gateway_upstream_version_aborts_total",
            "Versions that the gateway has found worse than the stable one",
            "upstream",
            "version",
            "cause");
    this.mirrored =
        metrics.counter(
            "luki_gateway_mirrored_calls_total",
            "Calls that a version got besides the stable one",
            "upstream",
            "version",
            "outcome");
  }

  public void call(Upstream who, UpstreamVersion version, boolean failed, long nanos) {
    calls
        .labelValues(who.label(), version.name(), failed ? "failed" : "ok")
        .observe(Metrics.seconds(nanos));
  }

  /** So many percent of the callers have this version. */
  public void percent(Upstream who, UpstreamVersion version, int share) {
    percent.labelValues(who.label(), version.name()).set(share);
  }

  /** Counters are there before they count: an increase is seen only from a first value. */
  public void known(Upstream who, UpstreamVersion version, Label... causes) {
    for (Label cause : causes) {
      aborts.initLabelValues(who.label(), version.name(), cause.label());
    }
    for (Mirrored outcome : Mirrored.values()) {
      mirrored.initLabelValues(who.label(), version.name(), outcome.label());
    }
  }

  public void aborted(Upstream who, UpstreamVersion version, Label cause) {
    aborts.labelValues(who.label(), version.name(), cause.label()).inc();
  }

  public void mirrored(Upstream who, UpstreamVersion version, Mirrored outcome) {
    mirrored.labelValues(who.label(), version.name(), outcome.label()).inc();
  }
}
