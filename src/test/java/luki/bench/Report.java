package luki.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import luki.bench.BenchSetup.Contender;

/** The figures as a Markdown table and as a chart. */
final class Report {
  private static final Path DOCUMENT = Path.of("src/docs/BENCHMARKS.md");
  private static final Path CHART = Path.of("src/docs/benchmarks.svg");
  private static final String BEGIN = "<!-- bench:begin -->";
  private static final String END = "<!-- bench:end -->";
  private static final int BAR_WIDTH = 420;
  private static final int ROW = 26;

  private final List<String> lines = new ArrayList<>();

  void say(String line) {
    lines.add(line);
    System.out.println(line);
  }

  /** A table of one load: rates, ratios to the nginxes, processor time. */
  void table(String title, Map<String, Rounds.Throughput> results) {
    say("");
    say("**" + title + "**");
    say("");
    say(
        "| through | requests/s | of nginx with the same duties | of bare nginx"
            + " | of nginx with Lua | CPU a request |");
    say("| --- | --- | --- | --- | --- | --- |");
    results.forEach(
        (name, result) ->
            say(
                String.format(
                    Locale.ROOT,
                    "| %s | %,.0f | %s | %s | %s | %s |",
                    name,
                    result.median(),
                    ratio(result, results.get(Contender.DUTIES)),
                    ratio(result, results.get(Contender.BARE)),
                    ratio(result, results.get(Contender.LUA)),
                    name.equals(Contender.DIRECT)
                        ? "–"
                        : String.format(Locale.ROOT, "%.1f µs", result.cpuMicros()))));
  }

  /** What it costs to count callers, beside not counting them. */
  void limits(String without, Map<String, Rounds.Throughput> results) {
    say("");
    say("**Limits: POST 100 B, reply 150 B, 64 connections**");
    say("");
    say("| ours, edge and wire | requests/s | of none | CPU a request |");
    say("| --- | --- | --- | --- |");
    results.forEach(
        (name, result) ->
            say(
                String.format(
                    Locale.ROOT,
                    "| %s | %,.0f | %s | %.1f µs |",
                    name,
                    result.median(),
                    ratio(result, results.get(without)),
                    result.cpuMicros())));
  }

  private static String ratio(Rounds.Throughput result, Rounds.Throughput other) {
    return other == null ? "–" : String.format(Locale.ROOT, "%.2f", result.ratioTo(other));
  }

  static String chart(String title, Map<String, Rounds.Throughput> results) {
    double most = results.values().stream().mapToDouble(Rounds.Throughput::median).max().orElse(1);
    StringBuilder svg = new StringBuilder();
    int height = 50 + ROW * results.size();
    svg.append(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\""
            + height
            + "\" font-family=\"sans-serif\" font-size=\"13\">\n");
    svg.append("<title>" + title + "</title>\n");
    svg.append("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    svg.append("<text x=\"10\" y=\"24\" font-size=\"15\" fill=\"#222222\">" + title + "</text>\n");
    int y = 40;
    for (Map.Entry<String, Rounds.Throughput> entry : results.entrySet()) {
      double rate = entry.getValue().median();
      int width = (int) Math.max(1, rate / most * BAR_WIDTH);
      String colour = entry.getKey().startsWith("ours") ? "#1f6f8b" : "#b5b5b5";
      svg.append(
          String.format(
              Locale.ROOT,
              "<text x=\"10\" y=\"%d\" fill=\"#222222\">%s</text>"
                  + "<rect x=\"200\" y=\"%d\" width=\"%d\" height=\"18\" fill=\"%s\"/>"
                  + "<text x=\"%d\" y=\"%d\" fill=\"#222222\">%,.0f</text>%n",
              y + 14,
              entry.getKey(),
              y,
              width,
              colour,
              206 + width,
              y + 14,
              rate));
      y += ROW;
    }
    return svg.append("</svg>\n").toString();
  }

  /** Puts the figures where the document has its place for them. */
  void write(String chart) throws IOException {
    String text = Files.readString(DOCUMENT);
    int from = text.indexOf(BEGIN) + BEGIN.length();
    Files.writeString(
        DOCUMENT,
        text.substring(0, from)
            + "\n"
            + String.join("\n", lines)
            + "\n"
            + text.substring(text.indexOf(END)));
    Files.writeString(CHART, chart);
  }
}
