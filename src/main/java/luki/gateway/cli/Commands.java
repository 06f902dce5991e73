package luki.gateway.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import luki.gateway.cli.Arguments.BadUsage;
import luki.gateway.config.Spelling;
import luki.gateway.http.ClassPath;

/** The commands of {@code commands.txt}, which is what `help` and `COMMAND --help` print. */
record Commands(List<Command> all) {
  private static final String HEAD =
      """
      usage: luki [COMMAND] [OPTION]…
      luki is target/luki, which finds a JDK, or java -jar target/luki-gateway.jar.

      """;
  private static final String END =
      """

      `luki COMMAND --help` explains its options. Settings are environment variables; env.example lists
      them. Exit codes: 0 success, 2 bad usage or configuration, 1 any other failure.
      """;
  private static final Pattern OPTION = Pattern.compile("--[a-z]+");

  /**
   * One of them.
   *
   * @param name one or two words
   * @param text its line, then what it does and its options, indented
   */
  record Command(String name, String text) {
    static Command of(String text) {
      String[] words = text.split("\\s+", 3);
      boolean two = words[1].matches("[a-z]+") && !text.startsWith(words[0] + "\n");
      return new Command(two ? words[0] + " " + words[1] : words[0], text);
    }

    private boolean begins(List<String> line) {
      return (String.join(" ", line) + " ").startsWith(name + " ");
    }

    /** The options that it knows. */
    Set<String> options() {
      return OPTION.matcher(text).results().map(MatchResult::group).collect(Collectors.toSet());
    }

    /** Its line and what it does. */
    String summary() {
      return text.lines().limit(2).map(line -> "  " + line + "\n").collect(Collectors.joining());
    }
  }

  static Commands read() {
    String text = ClassPath.text(Commands.class, "commands.txt");
    return new Commands(Arrays.stream(text.strip().split("\n\n", -1)).map(Command::of).toList());
  }

  /** The commands that the line begins with: one, several such as those of `key`, or none. */
  List<Command> named(List<String> line) {
    String two = String.join(" ", line.subList(0, Math.min(2, line.size())));
    String one = line.isEmpty() ? "" : line.getFirst();
    List<Command> exact =
        all.stream().filter(each -> each.name.equals(two) || each.name.equals(one)).toList();
    return exact.isEmpty()
        ? all.stream().filter(each -> each.name.startsWith(one + " ")).toList()
        : exact;
  }

  /** The command that the line begins with. */
  Command of(List<String> line) throws BadUsage {
    List<Command> named = named(line);
    if (named.size() == 1 && named.getFirst().begins(line)) {
      return named.getFirst();
    }
    String first = line.getFirst();
    if (named.isEmpty()) {
      List<String> known = Stream.concat(firstWords(), Stream.of("--help", "--version")).toList();
      throw new BadUsage("unknown command: " + first + Spelling.hint(first, known));
    }
    List<String> names = named.stream().map(Command::name).toList();
    if (line.size() == 1) {
      throw new BadUsage(first + " needs a second word: " + String.join(", ", names));
    }
    String name = first + " " + line.get(1);
    throw new BadUsage("unknown command: " + name + Spelling.hint(name, names));
  }

  private Stream<String> firstWords() {
    return all.stream().map(each -> each.name.split(" ", 2)[0]).distinct();
  }

  /** How these are used; all of them where there are none. */
  String usage(List<Command> named) {
    return named.isEmpty()
        ? "usage: luki [COMMAND] [OPTION]…\ncommands: "
            + firstWords().collect(Collectors.joining(", "))
            + "\n"
        : named.stream()
            .map(each -> "usage: luki " + each.text + "\n")
            .collect(Collectors.joining("\n"));
  }

  /** What `help` prints. */
  String overview() {
    return all.stream().map(Command::summary).collect(Collectors.joining("", HEAD, END));
  }
}
