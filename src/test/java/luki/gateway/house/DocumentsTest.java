package luki.gateway.house;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import luki.gateway.config.Variable;
import luki.gateway.http.ErrorCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The documents name classes, methods and tests; each of them exists. */
class DocumentsTest {
  private static final Pattern NAME = Pattern.compile("`([A-Z]\\w*[a-z]\\w*)(?:[.#](\\w+))?[`(.]");
  private static final Pattern TYPE =
      Pattern.compile("(?:class|interface|record|enum|@interface) ([A-Z]\\w*)");

  /** Names of the JDK, of settings and of documents. */
  private static final Set<String> OTHERS =
      Set.of(
          "HttpClient",
          "HttpExchange",
          "HttpServer",
          "HttpRequest",
          "BodyHandler",
          "Object",
          "InputStream",
          "Makefile",
          "Procfile",
          "Caddyfile",
          "Origin",
          "Deprecation",
          "Sunset",
          "RateLimit",
          "EventSource",
          "WebSocket",
          "Vary",
          "Allow",
          "Upgrade",
          "Accept",
          "Expect",
          "Server",
          "String",
          "Host",
          "Forge",
          "Thread");

  /** Of the JDK, and of the audit trail's records. */
  private static final Set<String> FOREIGN = Set.of("JAVA_HOME", "DENY_MANY");

  private static Map<String, String> sources() throws IOException {
    Map<String, String> sources = new HashMap<>();
    try (Stream<Path> files = Files.walk(Path.of("src"))) {
      for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
        String text = Files.readString(file);
        Matcher type = TYPE.matcher(text);
        while (type.find()) {
          sources.merge(type.group(1), text, String::concat);
        }
      }
    }
    return sources;
  }

  /** Every document for people: README, src/docs, .github. */
  private static Stream<String> documents() throws IOException {
    List<String> all = new ArrayList<>(List.of("README.md"));
    for (String directory : List.of("src/docs", ".github")) {
      try (Stream<Path> files = Files.walk(Path.of(directory))) {
        files.map(Path::toString).filter(file -> file.endsWith(".md")).sorted().forEach(all::add);
      }
    }
    return all.stream();
  }

  /** Documents of the past, or of what others do, quote what is no longer there. */
  private static boolean isOfThePast(String document) {
    return document.endsWith("CHANGELOG.md");
  }

  @ParameterizedTest
  @MethodSource("documents")
  void namesExist(String document) throws IOException {
    Map<String, String> sources = sources();
    List<String> unknown = new ArrayList<>();
    String alerts = Files.readString(Path.of("config/prometheus/alerts.yaml"));
    String all = String.join("\n", sources.values());
    Matcher name = NAME.matcher(Files.readString(Path.of(document)));
    while (name.find()) {
      String type = name.group(1);
      if (alerts.contains("alert: " + type + "\n") || all.contains("void " + type + "(")) {
        continue;
      }
      String member = name.group(2);
      String text = sources.get(type);
      boolean known = OTHERS.contains(type) || text != null;
      if (!known || (text != null && member != null && !text.contains(member))) {
        unknown.add(name.group());
      }
    }
    assertEquals(List.of(), isOfThePast(document) ? List.of() : unknown);
  }

  /** `make target`, and the commands of target/luki. */
  @ParameterizedTest
  @MethodSource("documents")
  void commandsExist(String document) throws IOException {
    String text = Files.readString(Path.of(document));
    String makefile = Files.readString(Path.of("Makefile"));
    String commands =
        "\n\n" + Files.readString(Path.of("src/main/resources/luki/gateway/cli/commands.txt"));
    List<String> unknown = new ArrayList<>();
    Matcher make = Pattern.compile("(?m)(?:`|^|&& |then )make ([a-z-]+)").matcher(text);
    while (make.find()) {
      if (!makefile.contains("\n" + make.group(1) + ":")) {
        unknown.add(make.group());
      }
    }
    Matcher luki = Pattern.compile("target/luki ([a-z-]+)(?: ([a-z]+))?").matcher(text);
    while (luki.find()) {
      String two = luki.group(1) + " " + luki.group(2);
      boolean known = commands.contains("\n\n" + luki.group(1) + "\n");
      known |= commands.contains("\n\n" + luki.group(1) + " [");
      known |= commands.contains("\n\n" + two + " ") || commands.contains("\n\n" + two + "\n");
      known |= Pattern.compile("\n\n" + luki.group(1) + " [A-Z]").matcher(commands).find();
      if (!known && !luki.group(1).startsWith("--")) {
        unknown.add(luki.group());
      }
    }
    assertEquals(List.of(), unknown);
  }

  /** Links to files, and files and directories between backticks. */
  @ParameterizedTest
  @MethodSource("documents")
  void pathsExist(String document) throws IOException {
    String text = Files.readString(Path.of(document));
    List<String> missing = new ArrayList<>();
    Matcher link = Pattern.compile("]\\(([^)#:]+)(#[^)]*)?\\)").matcher(text);
    while (link.find()) {
      if (!Files.exists(Path.of(document).resolveSibling(link.group(1)).normalize())) {
        missing.add(link.group());
      }
    }
    Matcher path =
        Pattern.compile("`((?:src|config|\\.github|test-fixtures)/[\\w./-]*)").matcher(text);
    while (path.find()) {
      boolean made =
          path.group(1).matches("config/(api-keys|rollout|dev-token-key|deploy/secrets).*");
      if (!made && !isOfThePast(document) && !Files.exists(Path.of(path.group(1)))) {
        missing.add(path.group());
      }
    }
    assertEquals(List.of(), missing);
  }

  /** Words in capitals with an underscore: settings, or codes of errors. */
  @ParameterizedTest
  @MethodSource("documents")
  void settingsAndErrorCodesExist(String document) throws IOException {
    Set<String> known = new TreeSet<>(FOREIGN);
    Arrays.stream(Variable.values()).map(Enum::name).forEach(known::add);
    Matcher alias =
        Pattern.compile("LUKI_[A-Z_]+")
            .matcher(Files.readString(Path.of("src/main/java/luki/gateway/config/Variable.java")));
    while (alias.find()) {
      known.add(alias.group());
    }
    Arrays.stream(ErrorCode.values()).map(Enum::name).forEach(known::add);
    String image = Files.readString(Path.of("Dockerfile"));
    Set<String> unknown = new TreeSet<>();
    Matcher word =
        Pattern.compile("`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\\b")
            .matcher(Files.readString(Path.of(document)));
    while (word.find()) {
      if (!known.contains(word.group(1)) && !image.contains("\nARG " + word.group(1) + "=")) {
        unknown.add(word.group(1));
      }
    }
    assertEquals(Set.of(), unknown);
  }

  /** Metrics are constants of the code, and alerts are rules. */
  @ParameterizedTest
  @MethodSource("documents")
  void metricsAndAlertsExist(String document) throws IOException {
    String text = Files.readString(Path.of(document));
    String observe = String.join("\n", sources().values());
    String alerts = Files.readString(Path.of("config/prometheus/alerts.yaml"));
    List<String> unknown = new ArrayList<>();
    Matcher metric =
        Pattern.compile("`((?:luki_gateway|http_server)_[a-z_]+?)(?:_bucket|_count|_sum)?[`{]")
            .matcher(text);
    while (metric.find()) {
      if (!observe.contains("\"" + metric.group(1) + "\"")) {
        unknown.add(metric.group(1));
      }
    }
    Matcher alert = Pattern.compile("`(Gateway[A-Z]\\w+)`").matcher(text);
    while (alert.find()) {
      if (!isOfThePast(document)
          && !alerts.contains("alert: " + alert.group(1) + "\n")
          && !observe.matches("(?s).*\\b(class|record) " + alert.group(1) + "\\b.*")) {
        unknown.add(alert.group(1));
      }
    }
    assertEquals(List.of(), unknown);
  }

  @Test
  void everyErrorCodeHasARowWithItsStatus() throws IOException {
    String page = Files.readString(Path.of("src/docs/TROUBLESHOOTING.md"));
    List<String> without = new ArrayList<>();
    for (ErrorCode code : ErrorCode.values()) {
      if (!page.contains("\n| `" + code.name() + "` | " + code.status() + ": ")) {
        without.add(code + " " + code.status());
      }
    }
    assertEquals(List.of(), without);
  }

  /** What wakes somebody at night is explained. */
  @Test
  void everyAlertHasARowInTheOperationsManual() throws IOException {
    String manual = Files.readString(Path.of("src/docs/OPERATIONS.md"));
    Matcher alert =
        Pattern.compile("alert: (\\w+)")
            .matcher(Files.readString(Path.of("config/prometheus/alerts.yaml")));
    List<String> without = new ArrayList<>();
    while (alert.find()) {
      if (!Pattern.compile("(?m)^\\|.*`" + alert.group(1) + "`.*\\|.*\\|.*\\|$")
          .matcher(manual)
          .find()) {
        without.add(alert.group(1));
      }
    }
    assertEquals(List.of(), without);
  }
}
