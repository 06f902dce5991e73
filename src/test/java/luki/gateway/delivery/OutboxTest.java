package luki.gateway.delivery;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import luki.gateway.http.Policy.Units;
import luki.gateway.observe.Segments;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A file that lines are only added to, and what is read of it after whatever befell it. */
@Timeout(60)
class OutboxTest {
  @TempDir Path directory;

  private Outbox open(long segmentBytes) throws IOException {
    return new Outbox(directory.resolve("usage"), segmentBytes);
  }

  private static byte[] line(String text) {
    return (text + "\n").getBytes(StandardCharsets.UTF_8);
  }

  private static List<String> lines(OutboxReader reader) throws IOException {
    List<String> lines = new ArrayList<>();
    for (byte[] line = reader.next(); line != null; line = reader.next()) {
      lines.add(new String(line, StandardCharsets.UTF_8));
    }
    return lines;
  }

  private Segments segments() {
    return new Segments(directory.resolve("usage"));
  }

  @Test
  void linesOfManyThreadsAreWholeAndRotatedFilesAreReadInOrder() throws Exception {
    try (Outbox outbox = open(10_000);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int t = 0; t < 4; t++) {
        int thread = t;
        threads.execute(
            () -> {
              for (int i = 0; i < 500; i++) {
                outbox.append(line(thread + " " + i + " " + "x".repeat(i % 97)));
              }
            });
      }
    }
    List<String> found;
    try (OutboxReader reader = OutboxReader.fromStart(segments())) {
      found = lines(reader);
    }
    assertEquals(2000, found.size());
    for (int t = 0; t < 4; t++) {
      String prefix = t + " ";
      List<String> own = found.stream().filter(line -> line.startsWith(prefix)).toList();
      for (int i = 0; i < 500; i++) {
        assertEquals(prefix + i, own.get(i).substring(0, own.get(i).lastIndexOf(' ')));
      }
    }
  }

  @Test
  void aFileIsRotatedBySizeAndANewOneIsReadAfterIt() throws Exception {
    try (Outbox outbox = open(100);
        OutboxReader reader = OutboxReader.fromStart(outbox.segments)) {
      for (int i = 0; i < 20; i++) {
        String text = "line " + i + " of forty bytes, more or less";
        outbox.append(line(text));
        byte[] read = Waiting.until(Duration.ofSeconds(5), reader::next, found -> found != null);
        assertArrayEquals(text.getBytes(StandardCharsets.UTF_8), read);
      }
      assertTrue(outbox.segments.numbers().size() > 3);
    }
  }

  @Test
  void everyFileIsItsOwnersAlone() throws Exception {
    try (Outbox outbox = open(1);
        OutboxReader reader = OutboxReader.fromStart(outbox.segments)) {
      for (int i = 1; i <= 2; i++) {
        outbox.append(line("a line"));
        File segment = segments().path(i).toFile();
        Waiting.until(Duration.ofSeconds(5), () -> segment.length() > 0);
      }
      reader.commit();
    }
    try (Stream<Path> files = Files.list(directory)) {
      List<Path> all = files.toList();
      assertEquals(4, all.size(), "two segments, the lock, the position: " + all);
      for (Path file : all) {
        assertEquals(
            "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
      }
    }
  }

  @Test
  void anUnfinishedLineIsNotReadAndIsEndedAtTheNextStart() throws Exception {
    try (Outbox outbox = open(1000)) {
      outbox.append(line("whole"));
    }
    Files.writeString(segments().path(1), "torn", StandardOpenOption.APPEND);
    try (OutboxReader reader = OutboxReader.fromStart(segments())) {
      assertEquals(List.of("whole"), lines(reader));
      assertNull(reader.next());
      try (Outbox outbox = open(1000)) {
        outbox.append(line("next"));
      }
      assertEquals(List.of("torn", "next"), lines(reader));
    }
  }

  @Test
  void theReadersPlaceSurvivesIt() throws Exception {
    try (Outbox outbox = open(50)) {
      for (int i = 0; i < 10; i++) {
        outbox.append(line("a line that is long enough " + i));
      }
    }
    try (OutboxReader reader = OutboxReader.atPosition(segments())) {
      for (int i = 0; i < 4; i++) {
        reader.next();
      }
      // Read, but the process ends before it is delivered.
      reader.next();
      reader.commit();
    }
    try (OutboxReader reader = OutboxReader.atPosition(segments())) {
      assertEquals("a line that is long enough 4", lines(reader).getFirst());
      assertEquals(0, reader.left());
    }
  }

  @Test
  void aSecondProcessIsKeptOut() throws Exception {
    try (Outbox first = open(1000)) {
      assertThrows(Exception.class, () -> open(1000));
      first.append(line("still the first one's"));
    }
  }

  @Test
  void aSumCountsEachEventOnceAndToldOfWhatIsNone() throws Exception {
    UsageEvent early = event("use_1", "2026-01-01T00:00:00Z", "free", 10);
    UsageEvent late = event("use_2", "2026-02-01T00:00:00Z", "free", 20);
    UsageEvent other = event("use_3", "2026-02-02T00:00:00Z", "care_home", 0);
    try (Outbox outbox = open(300)) {
      for (UsageEvent event : List.of(early, late, late, other)) {
        outbox.append(line(event.toJson().toString()));
      }
      outbox.append(line("{\"torn"));
    }
    Path name = directory.resolve("usage");
    UsageSum all = UsageSum.of(name, Instant.EPOCH, UsageEvent::plan);
    assertEquals(
        Map.of(
            "free", new UsageSum.Line(2, new Units(2, 0, 30)),
            "care_home", new UsageSum.Line(1, new Units(1, 0, 0))),
        all.lines());
    assertEquals(1, all.unreadable());
    UsageSum since =
        UsageSum.of(name, Instant.parse("2026-01-15T00:00:00Z"), UsageEvent::principal);
    assertEquals(Map.of("00ff", new UsageSum.Line(2, new Units(2, 0, 20))), since.lines());
  }

  @Test
  void whileTheDiskIsFullNoFilesAreLeftBehind() throws Exception {
    Process full =
        new ProcessBuilder(
                "sh",
                "-c",
                "ulimit -f 8; exec \"$@\"",
                "sh",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:-UsePerfData",
                "-cp",
                System.getProperty("java.class.path"),
                FullDisk.class.getName(),
                directory.resolve("usage").toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(full.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(said.contains("cannot be written"), said);
    assertEquals(List.of(1, 2), segments().numbers(), said);
    assertEquals(0, Files.size(segments().path(2)));
  }

  /** Begins a file with more than a file may have, again and again until it is closed. */
  static final class FullDisk {
    private FullDisk() {}

    public static void main(String[] name) throws Exception {
      try (Outbox outbox = new Outbox(Path.of(name[0]), 1000)) {
        outbox.append(line("x".repeat(1000)));
        File first = outbox.segments.path(1).toFile();
        Waiting.until(Duration.ofSeconds(20), () -> first.length() > 0);
        outbox.append(line("x".repeat(1 << 16)));
      }
      Runtime.getRuntime().halt(0);
    }
  }

  private static UsageEvent event(String id, String time, String plan, long characters) {
    return new UsageEvent(
        id, Instant.parse(time), "00ff", plan, "chat", new Units(1, 0, characters), 200);
  }
}
