package luki.gateway.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;
import luki.gateway.config.ConfigurationCheck.Finding;
import org.jspecify.annotations.Nullable;

/**
 * The variables of the process over those of a {@code .env} file. A value that is not of its type
 * is added to the problems and replaced by the default.
 */
public final class Environment {
  // Kubernetes sets these in every container for a service called luki-something.
  private static final Pattern INJECTED =
      Pattern.compile(".*_SERVICE_HOST|.*_SERVICE_PORT(_.*)?|.*_PORT|.*_PORT_.*");

  private static final String OURS = "LUKI_";
  private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");

  // OpenTelemetry's library reads these by itself.
  private static final String OF_TELEMETRY = "OTEL_";

  static final String SHARED =
      ": all clients share its address, and what is refused to one by address is to all";

  private final Map<String, String> process;
  private final Path dotEnv;
  private final Map<String, String> values;
  private final Problems problems;
  private final List<Finding> findings;

  private Environment(
      Map<String, String> process,
      Path dotEnv,
      Map<String, String> values,
      Problems problems,
      List<Finding> findings) {
    this.process = Map.copyOf(process);
    this.dotEnv = dotEnv;
    this.values = Map.copyOf(values);
    this.problems = problems;
    this.findings = List.copyOf(findings);
  }

  /** Those of this process and the working directory. */
  public static Environment ofProcess(Problems problems) {
    return of(System.getenv(), Path.of(".env"), problems);
  }

  /** The given values over those of the file, if it exists. */
  public static Environment of(Map<String, String> process, Path dotEnv, Problems problems) {
    Map<String, String> values = new HashMap<>();
    List<Finding> findings = new ArrayList<>();
    if (Files.isRegularFile(dotEnv)) {
      try {
        readDotEnv(dotEnv, Files.readAllLines(dotEnv), values, problems);
        if (!OwnerOnly.isPrivate(dotEnv)) {
          findings.add(
              Finding.of(Check.FILE_READABLE_BY_OTHERS, dotEnv.toString(), OwnerOnly.ADVICE));
        }
      } catch (IOException unreadable) {
        problems.add(dotEnv.toString(), "must be readable text in UTF-8");
      }
    }
    Set<String> ofFile = Set.copyOf(values.keySet());
    values.putAll(process);
    List<String> known =
        Arrays.stream(Variable.values()).flatMap(one -> one.names().stream()).toList();
    for (String name : new TreeSet<>(values.keySet())) {
      boolean injected = INJECTED.matcher(name).matches() && !ofFile.contains(name);
      if (known.contains(name) || name.startsWith(OF_TELEMETRY)) {
        continue;
      }
      String rest = name.startsWith(OURS) ? name.substring(OURS.length()) : name;
      if (injected) {
        // LUKI_PORT=tcp://… is of Kubernetes, for a service called luki.
        if (known.contains(rest) && !values.getOrDefault(name, "").contains("://")) {
          findings.add(Finding.of(Check.UNKNOWN_VARIABLE, name, unknown(Optional.of(rest))));
        }
        continue;
      }
      Optional<String> meant = Spelling.meant(name, known);
      if (name.startsWith(OURS)) {
        Optional<String> ours =
            meant
                .or(() -> Spelling.meant(rest, known))
                .or(() -> known.stream().filter(one -> one.startsWith(rest)).findFirst())
                .or(() -> Spelling.nearest(name, known));
        problems.add(name, unknown(ours));
      } else if (ofFile.contains(name) || meant.isPresent()) {
        // Other variables of the process are for other programs; the file is for this one alone.
        findings.add(Finding.of(Check.UNKNOWN_VARIABLE, name, unknown(meant)));
      }
    }
    String platform = platform(process.keySet());
    if (platform != null && values.getOrDefault(Variable.TRUSTED_PROXIES.name(), "").isBlank()) {
      findings.add(
          Finding.of(
              Check.NO_PROXY_TRUSTED,
              Variable.TRUSTED_PROXIES.name(),
              "unset, but " + platform + "'s router is in front" + SHARED));
    }
    return new Environment(process, dotEnv, values, problems, findings);
  }

  /** The platform whose router is in front of the gateway, by the variables that it sets. */
  private static @Nullable String platform(Set<String> names) {
    if (names.contains("DYNO")) {
      return "Heroku";
    }
    return names.stream().anyMatch(name -> name.startsWith("RAILWAY_")) ? "Railway" : null;
  }

  /** The variables whose values are other ones in the file by now. */
  public List<Variable> changed() {
    Environment now = of(process, dotEnv, new Problems());
    return Arrays.stream(Variable.values())
        .filter(variable -> !Objects.equals(get(variable), now.get(variable)))
        .toList();
  }

  private static String unknown(Optional<String> meant) {
    return "is not a variable of the gateway" + meant.map(Spelling::question).orElse("");
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
      // A line of a value in base64 can end in =, and may be secret.
      if (equals < 1 || !NAME.matcher(pair.substring(0, equals).strip()).matches()) {
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

  /** What is unwise about the names and the file. */
  public List<Finding> findings() {
    return findings;
  }

  /** The value, or null when it is unset or blank; one of the process wins over the file. */
  public @Nullable String get(Variable variable) {
    for (Map<String, String> source : List.of(process, values)) {
      for (String name : variable.names()) {
        String value = source.getOrDefault(name, "");
        if (!value.isBlank()) {
          return value.strip();
        }
      }
    }
    return null;
  }

  /** Those of OpenTelemetry. */
  Map<String, String> telemetry() {
    Map<String, String> found = new HashMap<>(values);
    found.entrySet().removeIf(e -> !e.getKey().startsWith(OF_TELEMETRY) || e.getValue().isBlank());
    found.replaceAll((_, value) -> value.strip());
    return found;
  }

  void problem(Variable variable, String shouldBe) {
    problems.add(variable.name(), shouldBe);
  }

  String text(Variable variable) {
    String value = get(variable);
    return value == null ? variable.defaultText() : value;
  }

  int number(Variable variable, int min, int max) {
    try {
      int value = Integer.parseInt(text(variable));
      if (value >= min && value <= max) {
        return value;
      }
    } catch (NumberFormatException malformed) {
      // The same problem as a number out of range.
    }
    problem(variable, "must be a whole number from " + min + " to " + max);
    return variable.defaultText().isEmpty() ? min : Integer.parseInt(variable.defaultText());
  }

  Duration seconds(Variable variable, int min, int max) {
    return Duration.ofSeconds(number(variable, min, max));
  }

  String choice(Variable variable, List<String> choices) {
    String value = text(variable);
    if (!choices.contains(value)) {
      problem(variable, "must be one of " + String.join(", ", choices));
      return variable.defaultText();
    }
    return value;
  }

  /** A file that need not exist. */
  Path noDirectory(Variable variable) {
    Path path = Path.of(text(variable));
    if (Files.isDirectory(path)) {
      problem(variable, "must name a file, not a directory");
    }
    return path;
  }

  /** A file that must exist. */
  Path file(Variable variable) {
    Path path = noDirectory(variable);
    if (!Files.isReadable(path)) {
      // Some write the key itself here.
      String named = variable.name().endsWith("_KEY_PATH") ? "" : "; " + path + " is not one";
      problem(variable, "must name a readable file" + named);
    }
    return path;
  }

  /** A file that must exist if the variable is set. */
  @Nullable Path optionalFile(Variable variable) {
    return get(variable) == null ? null : file(variable);
  }

  /** A path at which nothing needs to exist. */
  @Nullable Path created(Variable variable) {
    String value = get(variable);
    return value == null ? null : Path.of(value);
  }

  /** The value; null when it is unset, or malformed: the parser then returns null. */
  <T> @Nullable T parsed(Variable variable, Function<String, @Nullable T> parser, String shouldBe) {
    String text = get(variable);
    T value = text == null ? null : parser.apply(text);
    if (text != null && value == null) {
      problem(variable, shouldBe);
    }
    return value;
  }

  /** The values of a comma list. */
  <T> List<T> list(Variable variable, Function<String, @Nullable T> parser, String shouldBe) {
    List<T> items = new ArrayList<>();
    for (String item : text(variable).split(",", -1)) {
      T value = item.isBlank() ? null : parser.apply(item.strip());
      if (value != null) {
        items.add(value);
      } else if (!item.isBlank()) {
        problem(variable, shouldBe);
        return List.of();
      }
    }
    return items;
  }
}
