package luki.gateway.observe;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The files of a log that is rotated: {@code NAME.00000001}, {@code NAME.00000002}, … */
public record Segments(Path name) {
  public Path path(int number) {
    return beside("%08d".formatted(number));
  }

  /** A file of another purpose, such as {@code NAME.lock}. */
  public Path beside(String suffix) {
    return name.resolveSibling(name.getFileName() + "." + suffix);
  }

  /** Numbers of the files that exist, in order. */
  public List<Integer> numbers() throws IOException {
    Path directory = name.toAbsolutePath().getParent();
    if (directory == null || !Files.isDirectory(directory)) {
      return List.of();
    }
    Pattern numbered = Pattern.compile(Pattern.quote(name.getFileName() + ".") + "(\\d{8,9})");
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .map(file -> numbered.matcher(file.getFileName().toString()))
          .filter(Matcher::matches)
          .map(found -> Integer.valueOf(found.group(1)))
          .sorted()
          .toList();
    }
  }
}
