package luki.gateway.observe;

import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.instrumentation.jvm.JvmMetrics;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.lang.management.ManagementFactory;
import java.util.function.LongSupplier;
import jdk.management.VirtualThreadSchedulerMXBean;

/** Memory, garbage and threads of the JVM, and how busy the carriers of virtual threads are. */
final class JvmFigures {
  private JvmFigures() {}

  static void register(PrometheusRegistry registry) {
    JvmMetrics.builder().register(registry);
    VirtualThreadSchedulerMXBean scheduler =
        ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class);
    if (scheduler == null) {
      return;
    }
    gauge(
        registry,
        "luki_gateway_virtual_threads_mounted",
        "Virtual threads that run at this moment",
        scheduler::getMountedVirtualThreadCount);
    gauge(
        registry,
        "luki_gateway_virtual_threads_queued",
        "Virtual threads that could run and wait for a carrier",
        scheduler::getQueuedVirtualThreadCount);
    gauge(
        registry,
        "luki_gateway_virtual_thread_carriers",
        "Platform threads that carry virtual ones",
        scheduler::getPoolSize);
  }

  private static void gauge(
      PrometheusRegistry registry, String name, String help, LongSupplier value) {
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .callback(sink -> sink.call((double) value.getAsLong()))
        .register(registry);
  }
}
