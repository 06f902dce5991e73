package luki.gateway.chaos;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** What this process holds. */
record Resources(long descriptors, int threads, long heapBytes) {
  private static final double TOLERANCE = 1.05;

  /** Of a test's own: the compiler's threads come and go, and so do a few descriptors. */
  private static final int FEW = 3;

  private static final long FEW_BYTES = 4L << 20;

  static Resources now() {
    System.gc();
    UnixOperatingSystemMXBean system =
        ManagementFactory.getPlatformMXBean(UnixOperatingSystemMXBean.class);
    return new Resources(
        system.getOpenFileDescriptorCount(),
        ManagementFactory.getThreadMXBean().getThreadCount(),
        ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
  }

  Resources mostWith(Resources other) {
    return new Resources(
        Math.max(descriptors, other.descriptors),
        Math.max(threads, other.threads),
        Math.max(heapBytes, other.heapBytes));
  }

  boolean isWithin(Resources base) {
    return descriptors <= base.descriptors * TOLERANCE + FEW
        && threads <= base.threads * TOLERANCE + FEW
        && heapBytes <= base.heapBytes * TOLERANCE + FEW_BYTES;
  }
}
