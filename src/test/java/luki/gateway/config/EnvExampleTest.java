package luki.gateway.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** env.example and the README's table list exactly the variables that the code reads. */
class EnvExampleTest {
  @Test
  void envExampleIsWhatTheCodeReads() throws IOException {
    assertEquals(expected(), Files.readString(Path.of("env.example")));
  }

  private static String expected() {
    StringBuilder text =
        new StringBuilder(
            """
            # Every variable that the gateway reads, with its default. Copy it to .env and change what you need;
            # the environment wins over .env.
            """);
    for (Variable variable : Variable.values()) {
      text.append("\n# ").append(variable.reason()).append('\n');
      if (variable.alias() != null) {
        text.append("# also: ").append(variable.alias()).append('\n');
      }
      text.append("#").append(variable.name()).append('=').append(variable.defaultText());
      text.append('\n');
    }
    return text.toString();
  }

  @Test
  void theReadmeListsEveryVariable() throws IOException {
    String readme = Files.readString(Path.of("README.md"));
    for (Variable variable : Variable.values()) {
      assertTrue(readme.contains("`" + variable.name() + "`"), variable.name());
    }
  }
}
