package luki.gateway.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import luki.gateway.app.Configuration;
import luki.gateway.config.Environment;
import luki.gateway.config.Problems;
import luki.gateway.json.Json;
import org.junit.jupiter.api.Test;

/** The effective policy with the defaults of prod is a file, so that review sees each change. */
class PolicyTest {
  private static final Path PAGE = Path.of("src/docs/POLICY.md");

  private static String printed(String format) throws Exception {
    Problems problems = new Problems();
    Environment environment = Environment.of(Map.of(), Path.of("no.env"), problems);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(bytes, false, StandardCharsets.UTF_8);
    new PolicyCommand(out).print(Configuration.of(environment, problems), format);
    out.flush();
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void thePolicyPageIsWhatIsEnforced() throws Exception {
    String now = printed("md");
    if (Boolean.getBoolean("luki.write")) {
      Files.writeString(PAGE, now);
    }
    assertEquals(Files.readString(PAGE), now, "to rewrite it: make policy-page");
  }

  @Test
  void allFormatsHaveTheSameRowsAndThePageOfHtmlNeedsNothingElse() throws Exception {
    Json json = Json.parse(printed("json").getBytes(StandardCharsets.UTF_8));
    int rows = json.members().values().stream().mapToInt(Json::size).sum();
    int tables = json.members().size();
    assertEquals(4, tables);
    // Less the heading and the rule of each table.
    assertEquals(
        rows, printed("md").lines().filter(line -> line.startsWith("| ")).count() - 2L * tables);
    String html = printed("html");
    // A heading row a table; the others are on lines of their own.
    assertEquals(rows + tables, html.lines().filter("<tr>"::equals).count());
    assertFalse(html.matches("(?s).*(<script|<style|style=|src=|href=|://).*"));
  }
}
