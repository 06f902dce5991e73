package luki.gateway.chaos;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import luki.gateway.testing.Relay;
import luki.gateway.testing.Relay.Fault;

/** Which service is broken when: the same for the same seed. */
final class FaultPlan {
  // A breaker that a fault opened, and its probes.
  private static final Duration AFTERWARDS = Duration.ofSeconds(6);
  private static final Fault[] FAULTS = Fault.values();

  private final List<Entry> entries = new ArrayList<>();

  /** A fault of a service, from and to in nanoseconds of the run. */
  private record Entry(String service, Fault fault, long from, long to) {}

  FaultPlan(long seed, Set<String> services, Duration run) {
    Random random = new Random(seed);
    List<String> names = services.stream().sorted().toList();
    long at = Duration.ofMillis(500).toNanos();
    while (at < run.toNanos()) {
      Fault fault = FAULTS[1 + random.nextInt(FAULTS.length - 1)];
      long length = Duration.ofMillis(300 + random.nextInt(1700)).toNanos();
      entries.add(new Entry(names.get(random.nextInt(names.size())), fault, at, at + length));
      at += Duration.ofMillis(400 + random.nextInt(1800)).toNanos();
    }
  }

  /** Breaks and mends until the last fault is over. */
  void run(Map<String, Relay> relays, long began) throws InterruptedException {
    TreeMap<Long, List<Runnable>> steps = new TreeMap<>();
    for (Entry entry : entries) {
      Relay relay = relays.get(entry.service);
      steps.computeIfAbsent(entry.from, _ -> new ArrayList<>()).add(() -> relay.use(entry.fault));
      steps.computeIfAbsent(entry.to, _ -> new ArrayList<>()).add(() -> relay.use(Fault.NONE));
    }
    for (Map.Entry<Long, List<Runnable>> step : steps.entrySet()) {
      long pause = began + step.getKey() - System.nanoTime();
      if (pause > 0) {
        Thread.sleep(Duration.ofNanos(pause));
      }
      step.getValue().forEach(Runnable::run);
    }
  }

  /** Whether one of the services was broken, or had just been, while a request was in flight. */
  boolean explains(Set<String> services, long from, long to) {
    return entries.stream()
        .anyMatch(
            entry ->
                services.contains(entry.service)
                    && entry.from <= to
                    && from <= entry.to + AFTERWARDS.toNanos());
  }

  int size() {
    return entries.size();
  }
}
