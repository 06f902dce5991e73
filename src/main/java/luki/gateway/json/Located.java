package luki.gateway.json;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A YAML document that knows the line of each of its values.
 *
 * @param lines by the pointers of the values
 */
public record Located(Path file, Json root, Map<String, Integer> lines) {
  /**
   * Reads a file.
   *
   * @throws IOException it cannot be read
   * @throws Malformed it is not YAML, or has a key twice; the message begins with file:line
   */
  public static Located read(Path file) throws IOException, Malformed {
    Map<String, Integer> lines = new HashMap<>();
    try (JsonParser parser = new YAMLFactory().createParser(Files.readString(file))) {
      var root = new TreeReader(parser, TreeReader.LoneSurrogates.REFUSE, lines, null).readAll();
      return new Located(file, new Json(root), Map.copyOf(lines));
    } catch (InvalidJson invalid) {
      int line = lines.getOrDefault(parentOf(invalid.violation().pointer()), 1);
      throw new Malformed(file + ":" + line + ": " + invalid.getMessage());
    } catch (JsonProcessingException malformed) {
      int line = malformed.getLocation() == null ? 1 : malformed.getLocation().getLineNr();
      // What was read and what is wrong; the other lines show the text around the place.
      String why =
          malformed
              .getOriginalMessage()
              .lines()
              .filter(said -> !said.isBlank() && !said.startsWith(" "))
              .collect(Collectors.joining(", "));
      throw new Malformed(file + ":" + line + ": not readable as YAML: " + why);
    }
  }

  private static String parentOf(String pointer) {
    int slash = pointer.lastIndexOf('/');
    return slash < 0 ? "" : pointer.substring(0, slash);
  }

  /** The same with another root, whose values are as before or missing. */
  public Located with(Json other) {
    return new Located(file, other, lines);
  }

  /** {@code file:line} of the value at the pointer, or of the nearest value around it. */
  public String where(String pointer) {
    String at = pointer;
    while (!lines.containsKey(at) && !at.isEmpty()) {
      at = parentOf(at);
    }
    return file + ":" + lines.getOrDefault(at, 1);
  }

  /** A malformed file. The message is for its author and begins with file:line. */
  public static final class Malformed extends Exception {
    private static final long serialVersionUID = 1L;

    Malformed(String problem) {
      super(problem);
    }
  }
}
