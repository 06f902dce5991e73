package luki.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import luki.bench.Load.Workload;
import org.junit.jupiter.api.Test;

/** The parts of the bench that need no other program do what they say. */
class BenchTest {
  @Test
  void theGeneratorsReachTheOrigin() throws Exception {
    try (JavaOrigin origin = new JavaOrigin(0)) {
      byte[] request = Workload.POST.bytes("key");
      double rate = Load.closedLoop(request, origin.port(), 4, Duration.ofMillis(500));
      assertTrue(rate > 100, "rate " + rate);
      Load.Latency latency = Load.openLoop(request, origin.port(), 200, Duration.ofMillis(500));
      assertTrue(latency.p50() > 0 && latency.p99() >= latency.p50(), latency.toString());
    }
  }

  @Test
  void clientsThatAreDueSendAndAreCounted() throws Exception {
    try (JavaOrigin origin = new JavaOrigin(0)) {
      List<byte[]> requests = List.of(Workload.POST.bytes("key"));
      Overload.Result result =
          Overload.run(requests, origin.port(), 600, 1200, Duration.ofMillis(1500));
      assertTrue(result.goodput() > 100 && result.goodput() < 1300, result.toString());
      assertTrue(result.p99() > 0 && result.refused() == 0, result.toString());
    }
  }

  @Test
  void ratiosAreTakenWithinARound() {
    Rounds.Throughput slow = new Rounds.Throughput(List.of(10.0, 100.0, 40.0), 1);
    Rounds.Throughput fast = new Rounds.Throughput(List.of(20.0, 200.0, 80.0), 1);
    assertEquals(0.5, slow.ratioTo(fast));
    assertEquals(40, slow.median());
    String chart = Report.chart("t", Map.of("ours", slow));
    assertTrue(chart.contains("<svg") && chart.contains(">40<"), chart);
  }
}
