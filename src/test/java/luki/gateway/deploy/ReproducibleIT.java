package luki.gateway.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same sources give the same jar, wherever and whenever they are built. */
class ReproducibleIT {
  private static final Path JAR = Path.of("target/luki-gateway.jar");

  /**
   * Where target has classes of earlier builds, its jar says nothing: then a third one is built.
   */
  @Test
  void twoBuildsInDifferentPlacesGiveTheSameJar(@TempDir Path directory) throws Exception {
    boolean maven =
        Stream.of(System.getenv("PATH").split(":", -1))
            .anyMatch(place -> Files.isExecutable(Path.of(place, "mvn")));
    assumeTrue(maven || System.getenv("CI") != null, "mvn is not installed");
    Path built = build(directory.resolve("second"), "Asia/Kathmandu");
    if (Files.mismatch(JAR, built) >= 0) {
      Path third = build(directory.resolve("third/build"), "America/Lima");
      assertEquals(-1, Files.mismatch(third, built), "the first byte that differs");
    }
  }

  /** Builds the jar from a copy of its sources, with the clock of another time zone. */
  private static Path build(Path place, String zone) throws Exception {
    copy(Path.of("src/main"), place);
    copy(Path.of("src/dev"), place);
    Files.copy(Path.of("pom.xml"), place.resolve("pom.xml"));
    Path output = place.resolve("output");
    List<String> command = List.of("mvn", "-B", "-o", "-q", "package", "-Dmaven.test.skip=true");
    ProcessBuilder build =
        new ProcessBuilder(command)
            .directory(place.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    build.environment().put("JAVA_HOME", System.getProperty("java.home"));
    build.environment().put("TZ", zone);
    build.environment().put("LC_ALL", "C");
    build.environment().keySet().removeAll(List.of("MAVEN_ARGS", "MAKEFLAGS"));
    Process process = build.start();
    assertTrue(process.waitFor(5, TimeUnit.MINUTES), "did not end");
    assertEquals(0, process.exitValue(), Files.readString(output));
    return place.resolve(JAR);
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.walkFileTree(
        from,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.createDirectories(to.resolve(file).getParent());
            Files.copy(file, to.resolve(file));
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
