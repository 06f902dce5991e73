package luki.gateway.house;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The rooms and what each may import, as data. A change of this table is a change of the house: it
 * comes with its reason in src/docs/ADR-0001-rooms.md.
 */
class LayeringTest {
  private static final String ROOT = "luki.gateway.";

  /** Room to the own rooms that it may use; the engines' rooms stand beside the gateway's. */
  private static final Map<String, Set<String>> ROOMS =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("json", Set.of()),
              Map.entry("http", Set.of("json")),
              Map.entry("config", Set.of("http", "json")),
              Map.entry("observe", Set.of("http", "config")),
              Map.entry("contract", Set.of("http", "json", "config")),
              Map.entry("upstream", Set.of("luki.http1", "http", "json", "config", "observe")),
              Map.entry(
                  "auth", Set.of("http", "json", "config", "observe", "contract", "upstream")),
              Map.entry(
                  "limit",
                  Set.of("http", "json", "config", "observe", "contract", "upstream", "auth")),
              Map.entry(
                  "delivery",
                  Set.of(
                      "http",
                      "json",
                      "config",
                      "observe",
                      "contract",
                      "upstream",
                      "auth",
                      "limit")),
              Map.entry(
                  "filter",
                  Set.of(
                      "http",
                      "json",
                      "config",
                      "observe",
                      "contract",
                      "upstream",
                      "auth",
                      "limit",
                      "delivery")),
              Map.entry(
                  "handler",
                  Set.of(
                      "http",
                      "json",
                      "config",
                      "observe",
                      "contract",
                      "upstream",
                      "auth",
                      "limit",
                      "delivery")),
              Map.entry("luki.http1", Set.of()),
              Map.entry("luki.edge", Set.of("luki.http1")),
              Map.entry("luki.wire", Set.of("luki.http1")),
              Map.entry(
                  "server",
                  Set.of("luki.http1", "http", "config", "observe", "contract", "filter")),
              Map.entry(
                  "cli",
                  Set.of(
                      "luki.http1",
                      "luki.edge",
                      "luki.wire",
                      "http",
                      "json",
                      "config",
                      "observe",
                      "contract",
                      "upstream",
                      "auth",
                      "limit",
                      "delivery",
                      "filter",
                      "handler",
                      "server"))));

  /** A foreign package to the only rooms that may use it. */
  private static final Map<String, Set<String>> FOREIGN =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("com.fasterxml.jackson", Set.of("json")),
              Map.entry("com.networknt", Set.of("json")),
              Map.entry("com.nimbusds", Set.of("auth")),
              Map.entry("redis.clients", Set.of("limit")),
              Map.entry("org.apache.commons.pool2", Set.of("limit")),
              Map.entry("io.prometheus", Set.of("observe")),
              Map.entry("io.opentelemetry", Set.of("observe")),
              Map.entry("jdk.management", Set.of("observe", "cli")),
              Map.entry("org.slf4j", Set.of("observe")),
              Map.entry("java.net.http", Set.of("upstream", "luki.wire", "cli")),
              Map.entry("com.sun.net.httpserver", Set.of("server", "luki.edge", "cli"))));

  /** Packages that every room may use. */
  private static final List<String> EVERYWHERE =
      List.of(
          "java.",
          "javax.crypto",
          "javax.net.ssl",
          "org.jspecify",
          "com.google.errorprone.annotations");

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("luki");

  @Test
  void everyRoomImportsOnlyTheRoomsBelowIt() {
    List<String> wrong = new ArrayList<>();
    for (JavaClass type : CLASSES) {
      Set<String> allowed = ROOMS.getOrDefault(roomOf(type), Set.of());
      for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
        JavaClass target = dependency.getTargetClass().getBaseComponentType();
        if (target.getPackageName().startsWith("luki")
            && !roomOf(target).equals(roomOf(type))
            && !allowed.contains(roomOf(target))) {
          wrong.add(dependency.getDescription());
        }
      }
    }
    assertEquals(List.of(), wrong);
  }

  @Test
  void everyForeignLibraryHasOneRoom() {
    List<String> wrong = new ArrayList<>();
    for (JavaClass type : CLASSES) {
      for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
        String target = dependency.getTargetClass().getBaseComponentType().getPackageName();
        if (!isAllowed(target, roomOf(type))) {
          wrong.add(dependency.getDescription());
        }
      }
    }
    assertEquals(List.of(), wrong);
  }

  private static boolean isAllowed(String target, String room) {
    for (Map.Entry<String, Set<String>> foreign : FOREIGN.entrySet()) {
      if (target.startsWith(foreign.getKey())) {
        return foreign.getValue().contains(room);
      }
    }
    return target.isEmpty()
        || target.startsWith("luki")
        || EVERYWHERE.stream().anyMatch(target::startsWith);
  }

  @Test
  void onlyTheConfigurationReadsTheEnvironment() {
    List<String> wrong =
        CLASSES.stream()
            .filter(type -> !roomOf(type).equals("config"))
            .flatMap(type -> type.getMethodCallsFromSelf().stream())
            .filter(call -> call.getTargetOwner().getName().equals("java.lang.System"))
            .filter(call -> call.getName().equals("getenv"))
            .map(Object::toString)
            .toList();
    assertEquals(List.of(), wrong);
  }

  @Test
  void nobodyUsesThreadLocals() {
    assertFalse(
        CLASSES.stream()
            .flatMap(type -> type.getDirectDependenciesFromSelf().stream())
            .map(dependency -> dependency.getTargetClass().getName())
            .anyMatch("java.lang.ThreadLocal"::equals));
  }

  @Test
  void theTableNamesEveryRoomThereIs() {
    Set<String> rooms =
        CLASSES.stream().map(LayeringTest::roomOf).collect(Collectors.toCollection(TreeSet::new));
    assertEquals(ROOMS.keySet(), rooms);
  }

  /** Lines of code of a whole; the commands stand beside the request's path. */
  private static final Map<String, Long> BUDGETS =
      Map.of(
          "luki/gateway", 10_600L,
          "luki/gateway/limit", 1_500L,
          "luki/gateway/delivery", 900L,
          "luki/http1", 1_200L,
          "luki/edge", 1_600L,
          "luki/wire", 1_400L);

  private static String partOf(Path file) {
    String room = file.subpath(3, 6).toString();
    return BUDGETS.containsKey(room) ? room : file.subpath(3, 5).toString();
  }

  @Test
  void eachPartFitsIntoOneSitting() throws IOException {
    List<String> tooLong = new ArrayList<>();
    Map<String, Long> code = new TreeMap<>();
    try (Stream<Path> files = Files.walk(Path.of("src/main/java"))) {
      for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
        List<String> lines = Files.readAllLines(file);
        if (lines.size() > 300) {
          tooLong.add(file + " has " + lines.size() + " lines");
        }
        if (!file.toString().contains("/gateway/cli/")) {
          String part = partOf(file);
          code.merge(part, lines.stream().filter(LayeringTest::isCode).count(), Long::sum);
        }
      }
    }
    assertEquals(List.of(), tooLong);
    assertEquals(BUDGETS.keySet(), code.keySet());
    code.forEach(
        (part, lines) ->
            assertTrue(lines <= BUDGETS.get(part), part + " has " + lines + " lines of code"));
  }

  /** What a reviewer has to think about: no blank line, no import, no comment. */
  private static boolean isCode(String line) {
    String text = line.strip();
    return !text.isEmpty()
        && !text.startsWith("import ")
        && !text.startsWith("package ")
        && !text.startsWith("/**")
        && !text.startsWith("*")
        && !text.startsWith("//");
  }

  private static String roomOf(JavaClass type) {
    String name = type.getPackageName();
    return name.startsWith(ROOT) ? name.substring(ROOT.length()) : name;
  }
}
