package luki.gateway.deploy;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.List;

/**
 * Which files a {@code .dockerignore} or {@code .railwayignore} keeps out: the last pattern that
 * matches a path or a directory above it decides, and {@code !} takes it in again.
 */
record IgnoreFile(List<Pattern> patterns) {
  private record Pattern(boolean keepsOut, PathMatcher matcher) {}

  static IgnoreFile docker(Path file) throws IOException {
    return read(file, false);
  }

  /** Patterns without a slash match in every directory, as in a {@code .gitignore}. */
  static IgnoreFile git(Path file) throws IOException {
    return read(file, true);
  }

  private static IgnoreFile read(Path file, boolean git) throws IOException {
    List<Pattern> patterns = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      if (line.isBlank() || line.startsWith("#")) {
        continue;
      }
      boolean keepsOut = !line.startsWith("!");
      String glob = keepsOut ? line : line.substring(1);
      boolean anywhere = git && !glob.replaceFirst("/$", "").contains("/");
      glob = glob.replaceFirst("^/", "").replaceFirst("/$", "");
      // "**/" may stand for no directory at all, which Java's globs do not know.
      glob = glob.replaceFirst("^\\*\\*/", "");
      boolean deep = anywhere || line.contains("**/");
      patterns.add(
          new Pattern(
              keepsOut,
              FileSystems.getDefault()
                  .getPathMatcher("glob:" + (deep ? "{" + glob + ",**/" + glob + "}" : glob))));
    }
    return new IgnoreFile(List.copyOf(patterns));
  }

  boolean keepsOut(String path) {
    boolean out = false;
    for (Pattern pattern : patterns) {
      for (Path at = Path.of(path); at != null; at = at.getParent()) {
        if (pattern.matcher().matches(at)) {
          out = pattern.keepsOut();
          break;
        }
      }
    }
    return out;
  }
}
