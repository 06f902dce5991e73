package luki.gateway.deploy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A Dockerfile, one instruction a line, and the rules for it. */
record Dockerfile(List<Instruction> all) {
  private static final Pattern RESET = Pattern.compile("\\\\\\n\\s*");
  private static final Pattern EXEC_FORM = Pattern.compile("\\[\"[^\"]+\"(, \"[^\"]+\")*]");
  private static final Pattern FLAGS = Pattern.compile("^(--\\S+ +)*");
  private static final Pattern PINNED =
      Pattern.compile("[^:]+:(?!latest)[^@]+(@sha256:[0-9a-f]{64})?");

  /**
   * One instruction.
   *
   * @param stage the number of the FROM that it belongs to, 0 before the first
   */
  record Instruction(int stage, String name, String text) {
    /** The words without {@code --flags}. */
    List<String> words() {
      return List.of(FLAGS.matcher(text).replaceFirst("").split("\\s+", -1));
    }
  }

  static Dockerfile parse(String text) {
    List<Instruction> all = new ArrayList<>();
    int stage = 0;
    String whole = Pattern.compile("(?m)^#.*\\n").matcher(text).replaceAll("");
    for (String line : RESET.matcher(whole).replaceAll(" ").split("\n", -1)) {
      if (!line.isBlank()) {
        String[] parts = line.strip().split("\\s+", 2);
        stage += parts[0].equals("FROM") ? 1 : 0;
        all.add(new Instruction(stage, parts[0], parts[1]));
      }
    }
    return new Dockerfile(List.copyOf(all));
  }

  int lastStage() {
    return all.getLast().stage();
  }

  Stream<Instruction> of(String... names) {
    return all.stream().filter(each -> Set.of(names).contains(each.name()));
  }

  /** Of the stage that becomes the image. */
  List<String> inImage(String name) {
    return of(name).filter(each -> each.stage() == lastStage()).map(Instruction::text).toList();
  }

  /** The rules that it breaks. */
  List<String> problems() {
    List<String> problems = new ArrayList<>();
    Set<String> images = new HashSet<>();
    of("ARG")
        .filter(each -> each.stage() == 0)
        .forEach(
            argument -> {
              String[] sides = argument.text().split("=", 2);
              images.add("${" + sides[0] + "}");
              if (!sides[1].equals("scratch") && !PINNED.matcher(sides[1]).matches()) {
                problems.add("image without a tag or digest: " + argument.text());
              }
            });
    of("FROM")
        .filter(from -> !images.contains(from.words().getFirst()))
        .forEach(from -> problems.add("image that is no ARG: " + from.text()));
    of("ADD").forEach(add -> problems.add("ADD: " + add.text()));
    of("COPY")
        .filter(copy -> copy.words().getFirst().matches("\\.?/?|\\*"))
        .forEach(copy -> problems.add("copies everything: " + copy.text()));
    of("COPY")
        .filter(copy -> copy.text().contains("--chown"))
        .forEach(copy -> problems.add("files that the user owns: " + copy.text()));
    of("RUN")
        .filter(run -> run.stage() == lastStage())
        .forEach(run -> problems.add("needs a shell in the image: " + run.text()));
    of("RUN")
        .filter(run -> run.text().matches(".*(curl|wget|sudo|apt-get|apk) .*"))
        .forEach(run -> problems.add("not reproducible: " + run.text()));
    of("ENV", "ARG")
        .filter(each -> each.text().matches("(?i).*(secret|password|pepper|token|_key).*"))
        .forEach(each -> problems.add("a secret in a layer: " + each.text()));
    if (inImage("USER").stream().noneMatch(user -> user.matches("[1-9]\\d*:[1-9]\\d*"))) {
      problems.add("USER must be a number other than 0");
    }
    List<String> started =
        Stream.concat(
                inImage("CMD").stream(),
                inImage("HEALTHCHECK").stream().map(text -> text.replaceFirst(".* CMD ", "")))
            .toList();
    if (started.size() != 2
        || !started.stream().allMatch(text -> EXEC_FORM.matcher(text).matches())) {
      problems.add("CMD and HEALTHCHECK must be there, without a shell: " + started);
    }
    return problems;
  }
}
