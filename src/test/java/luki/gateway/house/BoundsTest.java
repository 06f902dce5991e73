package luki.gateway.house;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Whatever grows while the gateway serves has a bound, which the table of FAULTS.md names; and time
 * is measured by the monotonic clock.
 */
class BoundsTest {
  /** What several threads fill, and what is filled and emptied. */
  private static final Set<String> CONTAINERS =
      Set.of(
          "java.util.ArrayDeque",
          "java.util.PriorityQueue",
          "java.util.concurrent.ArrayBlockingQueue",
          "java.util.concurrent.ConcurrentHashMap",
          "java.util.concurrent.ConcurrentLinkedQueue",
          "java.util.concurrent.CopyOnWriteArrayList",
          "java.util.concurrent.LinkedBlockingQueue",
          "java.util.concurrent.Semaphore",
          "luki.gateway.http.BoundedCache");

  /** Made once, when the gateway starts or reads its configuration again, or in a command. */
  private static final Set<String> BEFORE_SERVING =
      Set.of("luki.gateway.cli", "luki.gateway.config", "luki.gateway.contract");

  private static final Pattern ROW = Pattern.compile("^\\| `([A-Z]\\w+)` \\| [^|]+ \\| [^|]+ \\|$");

  @Test
  void everyContainerThatGrowsIsInTheTableOfBounds() throws Exception {
    Set<String> growing = new TreeSet<>();
    for (JavaClass one : new ClassFileImporter().importPath(Path.of("target/classes"))) {
      boolean grows =
          Stream.concat(
                  one.getConstructorCallsFromSelf().stream(), one.getMethodCallsFromSelf().stream())
              .filter(call -> isMaking((JavaAccess<?>) call))
              .anyMatch(call -> CONTAINERS.contains(call.getTargetOwner().getName()));
      if (grows && !BEFORE_SERVING.contains(one.getPackageName())) {
        growing.add(outermost(one).getSimpleName());
      }
    }
    growing.remove("BoundedCache");
    assertEquals(documented(), growing);
  }

  /** Deadlines are of the monotonic clock; what has a date takes it from a {@code Clock}. */
  @Test
  void theWallClockIsReadOnlyThroughAClock() {
    Set<String> readers = new TreeSet<>();
    for (JavaClass one : new ClassFileImporter().importPath(Path.of("target/classes"))) {
      one.getMethodCallsFromSelf().stream()
          .filter(call -> isWallClock(call.getTargetOwner(), call.getTarget().getName()))
          .filter(call -> call.getTarget().getRawParameterTypes().isEmpty())
          .forEach(_ -> readers.add(outermost(one).getSimpleName()));
    }
    // A gauge with the time of the last reload.
    assertEquals(Set.of("ReloadLog"), readers);
  }

  private static boolean isWallClock(JavaClass owner, String method) {
    return (owner.isEquivalentTo(System.class) && method.equals("currentTimeMillis"))
        || (owner.getPackageName().equals("java.time") && method.equals("now"));
  }

  /** A constructor, or a factory such as {@code newKeySet}. */
  private static boolean isMaking(JavaAccess<?> call) {
    String name = call.getTarget().getName();
    return name.equals("<init>") || name.equals("newKeySet");
  }

  private static JavaClass outermost(JavaClass one) {
    return one.getEnclosingClass().map(BoundsTest::outermost).orElse(one);
  }

  private static Set<String> documented() throws Exception {
    String page = Files.readString(Path.of("src/docs/FAULTS.md"));
    Set<String> names = new TreeSet<>();
    page.substring(page.indexOf("## What grows"))
        .lines()
        .map(ROW::matcher)
        .filter(Matcher::matches)
        .forEach(row -> names.add(row.group(1)));
    return names;
  }
}
