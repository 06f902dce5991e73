package luki.gateway.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import luki.gateway.json.Json;
import luki.gateway.keys.KeyedHash;
import luki.gateway.observe.Segments;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Unchecked;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each denial and key change leaves a record that cannot be changed unseen. */
class AuditTrailTest {
  private static final AuditRecord.Context CONTEXT =
      new AuditRecord.Context(
          KeyedHash.ofPepper("a pepper for the audit test, long enough"),
          "abcdef012345",
          Clock.systemUTC());

  @TempDir Path directory;

  private Path file() {
    return directory.resolve("audit.log");
  }

  private AuditFile some(int records) throws IOException {
    AuditFile file = new AuditFile(file(), CONTEXT);
    for (int i = 0; i < records; i++) {
      file.append(List.of(entry(i)));
    }
    return file;
  }

  private static AuditRecord entry(int i) {
    return AuditRecord.keyChange(AuditRecord.Decision.CREATE, "key" + i, "owner" + i, CONTEXT);
  }

  private AuditChain.ChainCheck verdict() throws IOException {
    return AuditChain.verify(file());
  }

  @Test
  void aFileThatNobodyTouchedHoldsAndOnlyItsOwnerReadsIt() throws IOException {
    some(5);
    AuditChain.ChainCheck.Whole whole =
        assertInstanceOf(AuditChain.ChainCheck.Whole.class, verdict());
    assertEquals(5, whole.records());
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file())));
  }

  @Test
  void theFirstRecordThatWasTouchedIsNamed() throws IOException {
    some(9);
    List<String> lines = Files.readAllLines(file());
    Random random = new Random(7);
    for (int round = 0; round < 500; round++) {
      List<String> touched = new ArrayList<>(lines);
      int at = random.nextInt(lines.size());
      int place = random.nextInt(lines.get(at).length());
      StringBuilder line = new StringBuilder(lines.get(at));
      line.setCharAt(place, (char) (line.charAt(place) ^ (1 << random.nextInt(7))));
      touched.set(at, line.toString());
      Files.write(file(), touched);
      AuditChain.ChainCheck.Broken broken =
          assertInstanceOf(AuditChain.ChainCheck.Broken.class, verdict(), line.toString());
      assertEquals(at + 1, broken.line(), line.toString());
    }
  }

  @Test
  void recordsThatWereTakenOutMovedDoubledOrPutInAreNamed() throws IOException {
    some(6);
    List<String> lines = Files.readAllLines(file());
    List<String> without = new ArrayList<>(lines);
    without.remove(2);
    List<String> withoutFirst = lines.subList(1, 6);
    List<String> moved = new ArrayList<>(lines);
    Collections.swap(moved, 2, 3);
    List<String> doubled = new ArrayList<>(lines);
    doubled.add(3, lines.get(2));
    List<String> empty = new ArrayList<>(lines);
    empty.add(2, "");
    Map<List<String>, Integer> expected =
        Map.of(without, 3, withoutFirst, 1, moved, 3, doubled, 4, empty, 3);
    expected.forEach(
        (text, line) -> {
          Unchecked.run(
              () -> {
                Files.write(file(), text);
                assertEquals(new AuditChain.ChainCheck.Broken(file(), line), verdict());
              });
        });
  }

  @Test
  void aRecordThatACrashHasCutIsTakenAwayAndSaidSo() throws IOException {
    AuditFile file = some(3);
    Files.writeString(file(), "{\"at\":\"2026-", StandardOpenOption.APPEND);
    assertEquals(new AuditChain.ChainCheck.Broken(file(), 4), verdict());
    file.append(List.of(entry(3)));
    assertEquals(5, assertInstanceOf(AuditChain.ChainCheck.Whole.class, verdict()).records());
    assertTrue(Files.readAllLines(file()).get(3).contains("\"decision\":\"CUT\""));
  }

  @Test
  void writersOfTheSameFileTakeTurns() throws Exception {
    AuditFile first = new AuditFile(file(), CONTEXT);
    AuditFile second = new AuditFile(file(), CONTEXT);
    for (int i = 0; i < 20; i++) {
      (i % 2 == 0 ? first : second).append(List.of(entry(i), entry(i)));
    }
    assertEquals(40, assertInstanceOf(AuditChain.ChainCheck.Whole.class, verdict()).records());
  }

  @Test
  void whatCouldNotBeWrittenIsWrittenOnceItCan() throws IOException {
    Path away = directory.resolve("not-there-yet");
    try (AuditTrail trail = new AuditTrail(new AuditFile(away.resolve("a.log"), CONTEXT))) {
      for (int i = 0; i < 10; i++) {
        trail.add(entry(i));
      }
      Files.createDirectory(away);
      Waiting.until(Duration.ofSeconds(10), () -> Files.exists(away.resolve("a.log")));
    }
    assertEquals(10, Files.readAllLines(away.resolve("a.log")).size());
  }

  @Test
  void eachDenialOfALiveGatewayIsRecordedWithoutContent() throws Exception {
    Path log = file();
    try (StandIns services = StandIns.start();
        TestGateway gateway =
            TestGateway.builder()
                .with(services.urls())
                .with("AUDIT_FILE", log.toString())
                .start()) {
      Client nobody = gateway.stranger();
      Client maria = gateway.client("elr:read");
      Client bob = new Client(gateway, gateway.key(List.of("bob"), "elr:read"));
      nobody.get("/v1/elr/items/maria_k");
      HttpReply denied = maria.delete("/v1/elr/users/maria_k");
      String trace = denied.header("X-Trace-Id").orElseThrow();
      maria.get("/v1/elr/items/anna_secret");
      bob.post("/v1/elr/search", "{\"user_id\":\"bob\",\"query\":\"marker-in-a-body\"}");
      maria.get("/v1/elr/items/maria_k?limit=zero");
      nobody.get("/nowhere");
      gateway.drain();
      List<String> lines = Files.readAllLines(log);
      List<String> codes = new ArrayList<>();
      for (String line : lines) {
        Json entry = Json.parse(line.getBytes(StandardCharsets.UTF_8));
        codes.add(entry.at("rule").string() + " " + entry.at("code").string());
        boolean named = !entry.at("who").string("").isEmpty();
        assertEquals(named ? "DENY" : "DENY_MANY", entry.at("decision").string());
        assertEquals(12, entry.at("policy").string("").length());
      }
      assertEquals(
          List.of(
              "SCOPE FORBIDDEN",
              "OWNER NOT_OWNER",
              "CONSENT CONSENT_DENIED",
              "CREDENTIAL UNAUTHENTICATED"),
          codes);
      assertTrue(lines.getFirst().contains(trace));
      String all = String.join("\n", lines);
      for (String secret : List.of("maria", "anna", "bob", "marker", "limit", "127.0.0.1")) {
        assertFalse(all.contains(secret), secret + " in " + all);
      }
    }
    assertInstanceOf(AuditChain.ChainCheck.Whole.class, verdict());
  }

  private List<Path> complete() throws IOException {
    Segments segments = new Segments(file());
    return segments.numbers().stream().map(segments::path).toList();
  }

  @Test
  void aFullFileIsRotatedAndTheChainGoesOnOverTheFiles() throws IOException {
    AuditFile file = new AuditFile(file(), CONTEXT, 2000);
    for (int i = 0; i < 40; i++) {
      file.append(List.of(entry(i)));
    }
    List<Path> complete = complete();
    assertTrue(complete.size() > 3, complete.toString());
    for (Path one : complete) {
      assertTrue(Files.size(one) < 3000, one + " has " + Files.size(one));
      assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(one)));
      List<String> lines = Files.readAllLines(one);
      String last = "\"number\":" + Integer.parseInt(one.toString().replaceAll(".*[.]", "")) + ",";
      assertTrue(lines.getLast().contains(last), one + " ends with " + lines.getLast());
    }
    assertEquals(40, assertInstanceOf(AuditChain.ChainCheck.Whole.class, verdict()).records());

    List<String> second = Files.readAllLines(complete.get(1));
    List<String> touched = new ArrayList<>(second);
    touched.set(2, second.get(2).replace("CREATE", "REVOKE"));
    Files.write(complete.get(1), touched);
    assertEquals(new AuditChain.ChainCheck.Broken(complete.get(1), 3), verdict());
    Files.delete(complete.get(1));
    assertEquals(new AuditChain.ChainCheck.Broken(complete.get(2), 1), verdict());
  }

  @Test
  void aCrashWhileAFileIsRotatedLosesNoRecord() throws IOException {
    AuditFile file = some(5);
    // A crash after the file was renamed and before the next one was begun.
    Files.move(file(), new Segments(file()).path(5));
    file.append(List.of(entry(5)));
    assertEquals(6, assertInstanceOf(AuditChain.ChainCheck.Whole.class, verdict()).records());
    // A crash in the middle of the last record of a full file.
    Files.writeString(file(), "{\"at\":\"2026-", StandardOpenOption.APPEND);
    new AuditFile(file(), CONTEXT, 1).append(List.of(entry(6)));
    assertEquals(List.of(5, 6), new Segments(file()).numbers());
    assertTrue(Files.readAllLines(file()).getFirst().contains("\"decision\":\"CUT\""));
    assertEquals(8, assertInstanceOf(AuditChain.ChainCheck.Whole.class, verdict()).records());
  }

  @Test
  void onlyTheFirstDenialsOfACallerHaveARecordEachAndTheRestIsSummedUp() throws IOException {
    AuditRecord anna = denial("anna", "NOT_OWNER");
    try (AuditTrail trail = new AuditTrail(new AuditFile(file(), CONTEXT))) {
      for (int i = 0; i < 500; i++) {
        trail.add(anna);
        trail.add(denial("", "UNAUTHENTICATED"));
      }
      trail.add(denial("bob", "NOT_OWNER"));
    }
    assertEquals(63, assertInstanceOf(AuditChain.ChainCheck.Whole.class, verdict()).records());
    List<String> sums =
        Files.readAllLines(file()).stream().filter(line -> line.contains("DENY_MANY")).toList();
    assertEquals(2, sums.size(), sums.toString());
    for (String sum : sums) {
      assertTrue(sum.contains(sum.contains("anna") ? "\"440\"" : "\"500\""), sum);
    }
  }

  @Test
  void aSummaryIsWrittenAtTheEndOfEachInterval() throws IOException {
    try (AuditTrail trail = new AuditTrail(new AuditFile(file(), CONTEXT), Duration.ofMillis(50))) {
      for (int i = 1; i <= 3; i++) {
        trail.add(denial("", "UNAUTHENTICATED"));
        int lines = i;
        Waiting.until(Duration.ofSeconds(5), () -> count(file()) >= lines);
      }
    }
    assertEquals(3, count(file()));
  }

  private static AuditRecord denial(String who, String code) {
    return new AuditRecord(
        CONTEXT.now(),
        who,
        "",
        AuditRecord.Rule.OWNER,
        AuditRecord.Decision.DENY,
        "listItems",
        code,
        CONTEXT.policy(),
        "");
  }

  private static long count(Path file) {
    return Unchecked.get(() -> Files.exists(file) ? Files.readAllLines(file).size() : 0);
  }
}
