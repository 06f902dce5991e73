package luki.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import luki.bench.BenchSetup.Child;
import luki.bench.BenchSetup.Contender;
import luki.bench.Load.Workload;

/**
 * One load on every subject, round after round: A B C, A B C. What the machine does beside the
 * bench then falls on all of them alike, and a ratio is taken within a round.
 */
record Rounds(BenchSetup setup, Load load, int rounds, Duration time) {
  /**
   * What one subject came to.
   *
   * @param rates requests a second, one a round
   * @param cpuMicros of the process under test for each request, the median
   */
  record Throughput(List<Double> rates, double cpuMicros) {
    double median() {
      return Rounds.median(rates);
    }

    /** The median of the ratios of each round. */
    double ratioTo(Throughput other) {
      List<Double> ratios = new ArrayList<>();
      for (int i = 0; i < rates.size(); i++) {
        ratios.add(rates.get(i) / other.rates.get(i));
      }
      return Rounds.median(ratios);
    }
  }

  static double median(List<Double> values) {
    List<Double> sorted = new ArrayList<>(values);
    Collections.sort(sorted);
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }

  Map<String, Throughput> run(Workload work, int connections)
      throws IOException, InterruptedException {
    return run(work, connections, setup.contenders());
  }

  Map<String, Throughput> run(Workload work, int connections, List<Contender> contenders)
      throws IOException, InterruptedException {
    Map<String, List<Double>> rates = new LinkedHashMap<>();
    Map<String, List<Double>> cpu = new LinkedHashMap<>();
    for (int round = 0; round < rounds; round++) {
      for (Contender contender : contenders) {
        System.err.printf(
            "%s, %d connections, round %d of %d: %s%n",
            work.name(), connections, round + 1, rounds, contender.name());
        double before = cpuOf(contender);
        double rate = load.run(work, setup.key(), contender.port(), connections, time);
        double used = cpuOf(contender) - before;
        rates.computeIfAbsent(contender.name(), _ -> new ArrayList<>()).add(rate);
        cpu.computeIfAbsent(contender.name(), _ -> new ArrayList<>())
            .add(used * 1e6 / (rate * time.toSeconds()));
      }
    }
    Map<String, Throughput> results = new LinkedHashMap<>();
    rates.forEach(
        (name, all) -> results.put(name, new Throughput(List.copyOf(all), median(cpu.get(name)))));
    return results;
  }

  private static double cpuOf(Contender contender) throws IOException {
    Child child = contender.child();
    return child == null ? 0 : child.cpuSeconds();
  }
}
