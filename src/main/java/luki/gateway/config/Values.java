package luki.gateway.config;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Values of variables by their kind; one that is not of its kind becomes a problem. */
final class Values {
  private final Environment environment;
  private final Problems problems;

  Values(Environment environment, Problems problems) {
    this.environment = environment;
    this.problems = problems;
  }

  @Nullable String get(Variable variable) {
    return environment.get(variable);
  }

  void problem(Variable variable, String shouldBe) {
    problems.add(variable.name(), shouldBe);
  }

  String text(Variable variable) {
    String value = environment.get(variable);
    return value == null ? variable.defaultText() : value;
  }

  int number(Variable variable, int least, int most) {
    try {
      int value = Integer.parseInt(text(variable));
      if (value >= least && value <= most) {
        return value;
      }
    } catch (NumberFormatException notOne) {
      // Reported below, in the same words.
    }
    problems.add(variable.name(), "must be a whole number from " + least + " to " + most);
    return variable.defaultText().isEmpty() ? least : Integer.parseInt(variable.defaultText());
  }

  String choice(Variable variable, List<String> choices) {
    String value = text(variable);
    if (!choices.contains(value)) {
      problems.add(variable.name(), "must be one of " + String.join(", ", choices));
      return variable.defaultText();
    }
    return value;
  }

  Path existing(Variable variable) {
    Path path = Path.of(text(variable));
    if (!Files.isReadable(path)) {
      problems.add(variable.name(), "must name a file that can be read; " + path + " cannot");
    }
    return path;
  }

  /** A file that the gateway makes itself. */
  @Nullable Path optional(Variable variable) {
    String value = environment.get(variable);
    return value == null ? null : Path.of(value);
  }

  @Nullable Path optionalFile(Variable variable) {
    return environment.get(variable) == null ? null : existing(variable);
  }

  static @Nullable URI httpAddress(String value) {
    try {
      URI url = new URI(value);
      boolean good =
          ("http".equals(url.getScheme()) || "https".equals(url.getScheme()))
              && url.getHost() != null
              && (url.getPort() == -1 || (url.getPort() > 0 && url.getPort() < 65536))
              && url.getRawUserInfo() == null
              && url.getRawQuery() == null
              && url.getRawFragment() == null;
      return good ? url : null;
    } catch (URISyntaxException malformed) {
      return null;
    }
  }

  List<String> commaList(Variable variable) {
    List<String> items = new ArrayList<>();
    for (String item : text(variable).split(",", -1)) {
      if (!item.isBlank()) {
        items.add(item.strip());
      }
    }
    return items;
  }
}
