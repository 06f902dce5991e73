package luki.gateway.tokens;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * Runs the benchmarks and prints their figures beside the targets; with {@code --write} into
 * src/docs/BENCHMARKS.md. Exit code 1 when a target is missed.
 */
public final class MicroBench {
  private static final Path DOCUMENT = Path.of("src/docs/BENCHMARKS.md");
  private static final String BEGIN = "<!-- micro:begin -->";
  private static final String END = "<!-- micro:end -->";

  /** In microseconds. */
  private static final Map<String, Double> TARGETS =
      Map.of("apiKey", 5.0, "cachedToken", 3.0, "firstEs256", 300.0);

  private MicroBench() {}

  public static void main(String[] arguments) throws RunnerException, IOException {
    var options = new OptionsBuilder().include(CredentialBench.class.getSimpleName()).build();
    List<String> rows = new ArrayList<>();
    rows.add("| check, one thread | measured | error (99.9 %) | target |");
    rows.add("| --- | --- | --- | --- |");
    boolean missed = false;
    for (RunResult run : new Runner(options).run()) {
      Result<?> result = run.getPrimaryResult();
      Double target = TARGETS.get(result.getLabel());
      missed |= target != null && result.getScore() > target;
      rows.add(
          String.format(
              Locale.ROOT,
              "| %s | %.2f µs | ± %.2f µs | %s |",
              result.getLabel(),
              result.getScore(),
              result.getScoreError(),
              target == null ? "–" : String.format(Locale.ROOT, "≤ %.0f µs", target)));
    }
    String table = String.join("\n", rows);
    System.out.println(table);
    if (List.of(arguments).contains("--write")) {
      String text = Files.readString(DOCUMENT);
      int from = text.indexOf(BEGIN) + BEGIN.length();
      Files.writeString(
          DOCUMENT, text.substring(0, from) + "\n" + table + "\n" + text.substring(text.indexOf(END)));
    }
    System.exit(missed ? 1 : 0);
  }
}
