package luki.gateway.delivery;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The files of an outbox: {@code NAME.00000001}, {@code NAME.00000002}, … Only the last one grows;
 * the others are complete and may be moved away once they are delivered.
 */
final class Segments {
  private static final Pattern NUMBER = Pattern.compile("\\.(\\d{8})$");

  private final Path name;

  Segments(Path name) {
    this.name = name;
  }

  Path path(int number) {
    return name.resolveSibling(name.getFileName() + ".%08d".formatted(number));
  }

  /** Where the position of the delivery is stored. */
  Path position() {
    return name.resolveSibling(name.getFileName() + ".position");
  }

  /** The lock against a second process. */
  Path lock() {
    return name.resolveSibling(name.getFileName() + ".lock");
  }

  /** Numbers of those that exist, in order. */
  List<Integer> numbers() throws IOException {
    TreeMap<Integer, Path> found = new TreeMap<>();
    Path directory = name.toAbsolutePath().getParent();
    if (directory == null || !Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(directory)) {
      files.forEach(
          file -> {
            Integer number = numberOf(file.getFileName().toString());
            if (number != null) {
              found.put(number, file);
            }
          });
    }
    return List.copyOf(found.keySet());
  }

  private @Nullable Integer numberOf(String file) {
    Matcher number = NUMBER.matcher(file);
    String own = name.getFileName().toString();
    return number.find() && file.length() == own.length() + 9 && file.startsWith(own)
        ? Integer.valueOf(number.group(1))
        : null;
  }
}
