package luki.gateway.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The process environment with a {@code .env} file beneath it. */
public final class Environment {
  // What Kubernetes puts into every container for a service called luki-something.
  private static final Pattern INJECTED =
      Pattern.compile(".*_SERVICE_HOST|.*_SERVICE_PORT(_.*)?|.*_PORT|.*_PORT_.*");

  private final Map<String, String> values;

  private Environment(Map<String, String> values) {
    this.values = Map.copyOf(values);
  }

  /** That of this process and the working directory. */
  public static Environment ofProcess(Problems problems) {
    return of(System.getenv(), Path.of(".env"), problems);
  }

  /** The given values over those of the file, where there is one. */
  public static Environment of(Map<String, String> process, Path dotEnv, Problems problems) {
    Map<String, String> values = new HashMap<>();
    if (Files.isRegularFile(dotEnv)) {
      try {
        readDotEnv(dotEnv, Files.readAllLines(dotEnv), values, problems);
      } catch (IOException unreadable) {
        problems.add(dotEnv.toString(), "must be readable text in UTF-8");
      }
    }
    values.putAll(process);
    for (String name : values.keySet()) {
      if (name.startsWith("LUKI_")
          && !Variable.isKnown(name)
          && !INJECTED.matcher(name).matches()) {
        String nearest = Variable.nearest(name).orElse("");
        problems.add(name, "is not a variable of the gateway; did you mean " + nearest + "?");
      }
    }
    return new Environment(values);
  }

  private static void readDotEnv(
      Path file, List<String> lines, Map<String, String> values, Problems problems) {
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      String pair = line.startsWith("export ") ? line.substring(7).strip() : line;
      int equals = pair.indexOf('=');
      if (equals < 1) {
        problems.add(file + ":" + (i + 1), "must be NAME=value");
        continue;
      }
      values.put(pair.substring(0, equals).strip(), unquoted(pair.substring(equals + 1).strip()));
    }
  }

  private static String unquoted(String value) {
    boolean quoted =
        value.length() >= 2
            && (value.charAt(0) == '"' || value.charAt(0) == '\'')
            && value.charAt(value.length() - 1) == value.charAt(0);
    return quoted ? value.substring(1, value.length() - 1) : value;
  }

  /** The value, or null when it is unset or blank. */
  @Nullable String get(Variable variable) {
    String value = present(variable.name());
    String alias = variable.alias();
    return value == null && alias != null ? present(alias) : value;
  }

  /** Whether a variable of that name has a value. */
  public boolean has(String name) {
    return present(name) != null;
  }

  /** Those whose names begin so, for a library that has its own. */
  public Map<String, String> beginningWith(String prefix) {
    Map<String, String> found = new HashMap<>();
    values.forEach(
        (name, value) -> {
          if (name.startsWith(prefix) && !value.isBlank()) {
            found.put(name, value.strip());
          }
        });
    return found;
  }

  private @Nullable String present(String name) {
    String value = values.get(name);
    return value == null || value.isBlank() ? null : value.strip();
  }
}
