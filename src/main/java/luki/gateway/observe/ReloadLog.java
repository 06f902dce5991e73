package luki.gateway.observe;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import java.util.List;
import luki.gateway.config.ConfigurationCheck.Finding;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.Variable;
import luki.gateway.observe.Diagnostics.Field;

/** Logs and counts what became of each reload of the configuration. */
public final class ReloadLog {
  private static final Diagnostics LOG = new Diagnostics("reload");
  private static final String APPLIED = "applied";
  private static final String REFUSED = "refused";

  private final Counter reloads;
  private final Gauge lastSuccess;

  public ReloadLog(Metrics metrics) {
    this.reloads =
        metrics.counter(
            "luki_gateway_config_reloads_total", "Reloads of the configuration", "outcome");
    this.lastSuccess =
        metrics.gauge(
            "luki_gateway_config_last_success_timestamp_seconds",
            "When the configuration was read that is in use");
    reloads.initLabelValues(APPLIED);
    reloads.initLabelValues(REFUSED);
    lastSuccess.set(System.currentTimeMillis() / 1e3);
  }

  /**
   * The next requests are decided by it.
   *
   * @param added findings of {@code check} that the one before did not have
   * @param needRestart what has another value by now, which has no effect yet
   */
  public void applied(int routes, List<Finding> added, List<Variable> needRestart) {
    reloads.labelValues(APPLIED).inc();
    lastSuccess.set(System.currentTimeMillis() / 1e3);
    LOG.info("the configuration is reloaded", Field.of("routes", routes));
    added.forEach(each -> LOG.warn("a new finding of check", Field.of("check", each.check())));
    needRestart.forEach(
        each -> LOG.warn("a changed setting needs a restart", Field.of("setting", each)));
  }

  /** The configuration before stays in use. */
  public void refused(BadConfiguration bad) {
    reloads.labelValues(REFUSED).inc();
    LOG.error("the configuration is not reloaded; the last good one stays in use", bad);
  }
}
