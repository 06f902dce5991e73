package luki.gateway.cli;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import luki.gateway.config.Durations;
import luki.gateway.config.Spelling;
import org.jspecify.annotations.Nullable;

/** The words of a command line behind its command; one that it does not read is an error. */
final class Arguments {
  /** The command line is not a known one; the message says what is wrong with it. */
  static final class BadUsage extends Exception {
    private static final long serialVersionUID = 1L;

    BadUsage(String problem) {
      super(problem);
    }
  }

  private final List<String> left = new ArrayList<>();

  /** The command knows these options only; {@code --name=value} is accepted too. */
  Arguments(List<String> words, Collection<String> options) throws BadUsage {
    for (String word : words) {
      boolean isOption = word.startsWith("--");
      List<String> nameAndValue = isOption ? List.of(word.split("=", 2)) : List.of(word);
      String name = nameAndValue.getFirst();
      if (isOption && !options.contains(name)) {
        throw new BadUsage("unknown option: " + name + Spelling.hint(name, options));
      }
      left.addAll(nameAndValue);
    }
  }

  /** Takes {@code --name value}; null when it is not there. */
  @Nullable String value(String flag) throws BadUsage {
    int at = left.indexOf(flag);
    if (at < 0) {
      return null;
    }
    if (at + 1 >= left.size() || left.get(at + 1).startsWith("--")) {
      throw new BadUsage(flag + " needs a value");
    }
    left.remove(at);
    return left.remove(at);
  }

  String required(String flag) throws BadUsage {
    String value = value(flag);
    if (value == null) {
      throw new BadUsage(flag + " is required");
    }
    return value;
  }

  /** Takes {@code --name a,b}; empty when it is not there. */
  List<String> list(String flag) throws BadUsage {
    String value = value(flag);
    return value == null
        ? List.of()
        : Arrays.stream(value.split(",", -1)).map(String::strip).filter(s -> !s.isEmpty()).toList();
  }

  /** Takes {@code --name 90d}, {@code 12h} or {@code 30m}; null when it is not there. */
  @Nullable Duration age(String flag) throws BadUsage {
    String value = value(flag);
    if (value == null) {
      return null;
    }
    Duration age = Durations.parse(value);
    if (age == null) {
      throw new BadUsage(flag + " must be like 90d, 12h or 30m");
    }
    return age;
  }

  boolean has(String flag) {
    return left.remove(flag);
  }

  /** Takes the next word that is no flag. */
  String word(String what) throws BadUsage {
    if (left.isEmpty() || left.getFirst().startsWith("--")) {
      throw new BadUsage(what + " is required");
    }
    return left.removeFirst();
  }

  boolean hasMore() {
    return !left.isEmpty();
  }

  /** Takes all words that are left, one at least. */
  List<String> words(String what) throws BadUsage {
    List<String> words = new ArrayList<>();
    do {
      words.add(word(what));
    } while (hasMore());
    return words;
  }

  void end() throws BadUsage {
    if (!left.isEmpty()) {
      throw new BadUsage("unknown argument: " + left.getFirst());
    }
  }
}
