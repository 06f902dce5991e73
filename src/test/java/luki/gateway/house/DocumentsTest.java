package luki.gateway.house;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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
          "Origin",
          "Vary",
          "String",
          "Host",
          "Forge",
          "Thread");

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

  @ParameterizedTest
  @ValueSource(
      strings = {
        "LIFE-OF-A-REQUEST",
        "THREAT-MODEL",
        "DEFECTS",
        "ADR-0001-rooms",
        "ADR-0002-engines"
      })
  void namesExist(String document) throws IOException {
    Map<String, String> sources = sources();
    List<String> unknown = new ArrayList<>();
    Matcher name = NAME.matcher(Files.readString(Path.of("src/docs", document + ".md")));
    while (name.find()) {
      String type = name.group(1);
      String member = name.group(2);
      String text = sources.get(type);
      boolean known = OTHERS.contains(type) || text != null;
      if (!known || (text != null && member != null && !text.contains(member))) {
        unknown.add(name.group());
      }
    }
    assertEquals(List.of(), unknown);
  }
}
