package luki.gateway.http;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A path template of the contract such as {@code /v1/elr/items/{id}}.
 *
 * @param template as the contract writes it; a safe label for logs and metrics
 */
public record PathPattern(String template, List<Segment> segments) {
  public PathPattern {
    segments = List.copyOf(segments);
  }

  /** One step of the path. */
  public sealed interface Segment {
    record Literal(String text) implements Segment {}

    record Parameter(String name) implements Segment {}
  }

  /**
   * Reads a template.
   *
   * @throws IllegalArgumentException it does not begin with a slash, or a parameter is malformed
   */
  public static PathPattern parse(String template) {
    if (!template.startsWith("/")) {
      throw new IllegalArgumentException("a path begins with /");
    }
    List<Segment> segments = new ArrayList<>();
    List<String> parts =
        template.equals("/") ? List.of() : Arrays.asList(template.substring(1).split("/", -1));
    for (String part : parts) {
      if (part.startsWith("{") && part.endsWith("}") && part.length() > 2) {
        segments.add(new Segment.Parameter(part.substring(1, part.length() - 1)));
      } else if (part.isEmpty() || part.contains("{") || part.contains("}")) {
        throw new IllegalArgumentException("a path segment is a literal or one {parameter}");
      } else {
        segments.add(new Segment.Literal(part));
      }
    }
    return new PathPattern(template, segments);
  }

  /** The same for every template that matches the same paths. */
  public String shape() {
    return template.replaceAll("\\{[^/]+}", "{}");
  }

  @Override
  public String toString() {
    return template;
  }
}
