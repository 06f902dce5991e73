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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The rooms (packages) and what each may import, as data. A change of this table is a change of the
 * architecture: state its reason in src/docs/ADR-0001-rooms.md.
 */
class LayeringTest {
  private static final String ROOT = "luki.gateway.";

  /** Each room and exactly the rooms that it uses. */
  private static final Map<String, Set<String>> ROOMS =
      rooms(
          """
          luki.http1:
          luki.edge: luki.http1
          luki.wire: luki.http1
          luki.websocket: luki.http1
          json:
          http: luki.http1 json
          config: luki.http1 http json
          observe: luki.http1 config http
          contract: luki.http1 config http json
          rollout: luki.http1 config http json observe
          upstream: luki.http1 config http json observe rollout
          keys: luki.http1 config http json observe
          tokens: luki.http1 config http json observe upstream
          consent: http json observe upstream
          audit: config http json keys observe
          limit: luki.http1 config http idempotency observe ticket upstream
          idempotency: luki.http1 config http json keys observe
          ticket: luki.http1 http json keys
          resume: luki.http1 http observe
          websocket: luki.http1 luki.websocket consent http json observe
          delivery: luki.http1 config http json observe upstream
          webhook: luki.http1 config consent delivery http json keys observe upstream
          door: luki.http1 config consent http json observe tokens
          filter: luki.http1 luki.websocket audit config consent contract delivery http json keys limit observe ticket tokens
          handler: luki.http1 config consent http json limit observe upstream
          server: luki.http1 config contract http observe
          app: luki.edge luki.http1 luki.wire audit config consent contract delivery door filter handler http idempotency json keys limit observe resume rollout server ticket tokens upstream webhook websocket
          cli: luki.http1 app audit config contract delivery http json keys observe rollout tokens
          """);

  private static Map<String, Set<String>> rooms(String table) {
    Map<String, Set<String>> rooms = new TreeMap<>();
    for (String line : table.lines().toList()) {
      String[] sides = line.split(":", -1);
      Set<String> uses = new TreeSet<>(List.of(sides[1].strip().split(" ", -1)));
      uses.remove("");
      rooms.put(sides[0], uses);
    }
    return rooms;
  }

  /** A foreign package and the only rooms that may use it. */
  private static final Map<String, Set<String>> FOREIGN =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("com.fasterxml.jackson", Set.of("json")),
              Map.entry("com.networknt", Set.of("json")),
              Map.entry("com.nimbusds", Set.of("tokens")),
              Map.entry("redis.clients", Set.of("limit")),
              Map.entry("io.prometheus", Set.of("observe")),
              Map.entry("io.opentelemetry", Set.of("observe")),
              Map.entry("jdk.management", Set.of("observe", "app")),
              Map.entry("org.slf4j", Set.of("observe")),
              Map.entry("java.net.http", Set.of("luki.http1", "luki.wire", "upstream", "app")),
              Map.entry(
                  "com.sun.net.httpserver", Set.of("server", "luki.http1", "luki.edge", "app"))));

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
  void everyRoomImportsExactlyTheRoomsOfTheTable() {
    Map<String, Set<String>> used = new TreeMap<>();
    for (JavaClass type : CLASSES) {
      Set<String> uses = used.computeIfAbsent(roomOf(type), _ -> new TreeSet<>());
      for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
        JavaClass target = dependency.getTargetClass().getBaseComponentType();
        if (target.getPackageName().startsWith("luki") && !roomOf(target).equals(roomOf(type))) {
          uses.add(roomOf(target));
        }
      }
    }
    assertEquals(ROOMS, used);
  }

  @Test
  void roomsHaveNoCycles() {
    List<String> order = new ArrayList<>();
    Map<String, Set<String>> left = new TreeMap<>(ROOMS);
    while (!left.isEmpty()) {
      List<String> free =
          left.keySet().stream().filter(room -> order.containsAll(ROOMS.get(room))).toList();
      assertFalse(free.isEmpty(), "a circle within " + left.keySet());
      order.addAll(free);
      free.forEach(left::remove);
    }
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
  void noClassUsesThreadLocals() {
    assertFalse(
        CLASSES.stream()
            .flatMap(type -> type.getDirectDependenciesFromSelf().stream())
            .map(dependency -> dependency.getTargetClass().getName())
            .anyMatch("java.lang.ThreadLocal"::equals));
  }

  @Test
  void theTableNamesEveryRoom() {
    Set<String> rooms =
        CLASSES.stream().map(LayeringTest::roomOf).collect(Collectors.toCollection(TreeSet::new));
    assertEquals(ROOMS.keySet(), rooms);
  }

  private static final Path ROOM_LINES = Path.of("src/docs/ADR-0001-rooms.md");
  private static final Pattern ROW = Pattern.compile("\\| `([a-z0-9.]+)` \\| ([0-9,]+) \\|.*");
  private static final int MAX_LINES = 35_300;
  private static final int MAX_FILES = 296;

  /** Raw lines of each room, rounded up to fifty. */
  @Test
  void theTableOfTheRoomsHasTheLinesOfEach() throws IOException {
    Map<String, Long> stated = new TreeMap<>();
    for (String line : Files.readAllLines(ROOM_LINES)) {
      Matcher row = ROW.matcher(line);
      if (row.matches()) {
        stated.put(row.group(1), Long.parseLong(row.group(2).replace(",", "")));
      }
    }
    Map<String, Long> lines = new TreeMap<>();
    List<String> tooLong = new ArrayList<>();
    int files = 0;
    long sum = 0;
    try (Stream<Path> all = Files.walk(Path.of("src/main/java"))) {
      for (Path file : all.filter(path -> path.toString().endsWith(".java")).toList()) {
        long count = Files.readAllLines(file).size();
        String room = file.subpath(3, file.getNameCount() - 1).toString().replace('/', '.');
        lines.merge(room.startsWith(ROOT) ? room.substring(ROOT.length()) : room, count, Long::sum);
        files++;
        sum += count;
        if (count > 300) {
          tooLong.add(file + " has " + count + " lines");
        }
      }
    }
    assertEquals(List.of(), tooLong);
    lines.replaceAll((_, count) -> Math.ceilDiv(count, 50) * 50);
    assertEquals(lines, stated);
    assertTrue(sum <= MAX_LINES, sum + " lines");
    assertTrue(files <= MAX_FILES, files + " files");
  }

  private static String roomOf(JavaClass type) {
    String name = type.getPackageName();
    return name.startsWith(ROOT) ? name.substring(ROOT.length()) : name;
  }
}
