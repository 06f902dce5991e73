package luki.gateway.config;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import luki.gateway.http.Scope;
import luki.gateway.json.Json;
import luki.gateway.json.Located;

/**
 * Reads the values of a file by their pointers. One that is not of its type is a problem with its
 * line, and something of that type takes its place.
 */
abstract class LocatedReader {
  final Located document;
  private final Problems problems;

  /** The pointers that were read, and those of all values around them. */
  private final Set<String> read = new HashSet<>();

  LocatedReader(Located document, Problems problems) {
    this.document = document;
    this.problems = problems;
  }

  static String child(String pointer, String name) {
    return pointer + "/" + name.replace("~", "~0").replace("/", "~1");
  }

  final Json value(String pointer) {
    for (int end = pointer.length(); end > 0; end = pointer.lastIndexOf('/', end - 1)) {
      read.add(pointer.substring(0, end));
    }
    return document.root().pointer(pointer);
  }

  final Json map(String pointer) {
    Json map = value(pointer);
    if (!map.isObject() && !map.isAbsent()) {
      problem(pointer, pointer + " must be a map");
    }
    return map;
  }

  /** The keys of a map whose keys are names, all of them allowed. */
  final Set<String> names(String pointer) {
    Set<String> names = map(pointer).members().keySet();
    names.forEach(name -> read.add(child(pointer, name)));
    return names;
  }

  /** Whatever of the value was not read is a problem. */
  final void refuseUnread(String pointer, Json node) {
    node.members()
        .forEach(
            (name, value) -> {
              String at = child(pointer, name);
              if (read.contains(at)) {
                refuseUnread(at, value);
              } else {
                problem(at, name + " is not a known key");
              }
            });
  }

  final List<String> strings(String pointer) {
    Json list = value(pointer);
    List<String> strings = list.isAbsent() ? List.of() : list.stringList();
    if (strings == null || strings.contains("")) {
      problem(pointer, pointer + " must be a list of names");
      return List.of();
    }
    return strings;
  }

  final Set<Scope> scopes(String pointer) {
    Set<Scope> scopes = new HashSet<>();
    for (String name : strings(pointer)) {
      if (Scope.isValid(name)) {
        scopes.add(new Scope(name));
      } else {
        problem(pointer, "must list scopes such as elr:read");
      }
    }
    return scopes;
  }

  final Duration duration(String pointer) {
    Duration duration = Durations.parse(value(pointer).string(""));
    if (duration == null) {
      problem(pointer, pointer + " must be a duration such as 1500ms, 10s or 14m");
      return Duration.ofSeconds(1);
    }
    return duration;
  }

  final int number(String pointer) {
    return (int) number(pointer, 1, Integer.MAX_VALUE);
  }

  final long optional(String pointer, long max, long otherwise) {
    return value(pointer).isMissing() ? otherwise : number(pointer, 1, max);
  }

  final long number(String pointer, long min, long max) {
    OptionalLong value = value(pointer).integer();
    if (value.isEmpty() || value.getAsLong() < min || value.getAsLong() > max) {
      problem(pointer, pointer + " must be a whole number from " + min + " to " + max);
      return min;
    }
    return value.getAsLong();
  }

  final void problem(String pointer, String shouldBe) {
    problems.add(document.where(pointer), shouldBe);
  }
}
