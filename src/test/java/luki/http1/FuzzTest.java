package luki.http1;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The fuzz targets on damaged messages, for a bounded time; {@code make fuzz} looks further. */
class FuzzTest {
  private static final int MESSAGES = 50_000;
  private static final long SEED = 20_261_124L;

  private final Random random = new Random(SEED);

  /** Changes some bytes, drops some, says some twice. */
  private byte[] damaged(byte[] message) {
    byte[] bytes = message.clone();
    for (int times = random.nextInt(4); times > 0 && bytes.length > 0; times--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(4)) {
        case 0 -> bytes[at] = (byte) random.nextInt(256);
        case 1 -> bytes[at] = (byte) "\r\n\t :;,0\u0000".charAt(random.nextInt(9));
        case 2 -> bytes = spliced(bytes, at, at + random.nextInt(bytes.length - at));
        default -> bytes = spliced(bytes, at, Math.max(0, at - random.nextInt(20)));
      }
    }
    return bytes;
  }

  /** The bytes before one place and those from another, which may come again. */
  private static byte[] spliced(byte[] bytes, int before, int from) {
    byte[] result = new byte[before + bytes.length - from];
    System.arraycopy(bytes, 0, result, 0, before);
    System.arraycopy(bytes, from, result, before, bytes.length - from);
    return result;
  }

  private static String shown(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1).replace("\r", "\\r");
  }

  @Test
  void damagedRequestsAreRefusedOrReadAlike() {
    Messages messages = new Messages(SEED);
    for (int i = 0; i < MESSAGES; i++) {
      byte[] bytes = damaged(messages.next());
      assertDoesNotThrow(() -> RequestFuzz.fuzzerTestOneInput(bytes), () -> shown(bytes));
    }
  }

  @Test
  void damagedRepliesAreRefusedOrReadAlike() {
    Set<String> ends = new HashSet<>();
    for (int i = 0; i < MESSAGES; i++) {
      byte[] bytes =
          damaged(Sources.bytes(FuzzSeeds.REPLIES.get(random.nextInt(FuzzSeeds.REPLIES.size()))));
      assertDoesNotThrow(() -> ReplyFuzz.fuzzerTestOneInput(bytes), () -> shown(bytes));
      String seen = ReplyFuzz.read("GET", Sources.inPieces(bytes, 9, random));
      ends.add(seen.substring(seen.lastIndexOf(' ') + 1));
    }
    // All ways to end were gone: to the end, cut off, and refused for several reasons.
    assertTrue(
        ends.containsAll(Set.of("off", "FRAMING", "CHUNK", "FIELD", "STATUS_LINE", "abc|end")),
        ends.toString());
  }

  @Test
  void theTargetsSeeADifference() {
    List<Reading.Seen> one = List.of(new Reading.Seen("GET", "/", 1, ""));
    List<Reading.Seen> other = List.of(new Reading.Seen("GET", "/", 1, "x"));
    assertEquals(null, Reading.looser(one, one));
    assertTrue(Reading.looser(one, other) != null && Reading.looser(one, List.of()) != null);
  }
}
