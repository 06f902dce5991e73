package luki.http1;

import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import luki.http1.ResponseParser.ResponseHead;
import org.junit.jupiter.api.Test;

/**
 * Whatever this grammar takes, an independent parser takes too, and reads the same in it: it is
 * never the looser of the two. {@code make fuzz} runs many millions.
 */
class ComparedParserTest {
  private static final int MESSAGES = Integer.getInteger("luki.fuzz.messages", 1_000_000);
  private static final long SEED = Long.getLong("luki.fuzz.seed", 20_261_124L);

  @Test
  void neverTakesWhatAnIndependentParserRefusesOrReadsOtherwise() {
    Messages messages = new Messages(SEED);
    int taken = 0;
    int more = 0;
    for (int i = 0; i < MESSAGES; i++) {
      byte[] bytes = messages.next();
      List<Reading.Seen> ours = Reading.ours(bytes);
      if (!ours.isEmpty()) {
        List<Reading.Seen> theirs = Reading.nettys(bytes);
        compare(i, bytes, ours, theirs);
        taken += ours.size();
        more += theirs.size() > ours.size() ? 1 : 0;
      }
    }
    assertTrue(taken > MESSAGES / 20, "too few were taken to mean much: " + taken);
    assertTrue(more > 0, "the other parser was never the looser one, which it is known to be");
  }

  private static void compare(
      int number, byte[] bytes, List<Reading.Seen> ours, List<Reading.Seen> theirs) {
    String text =
        "message "
            + number
            + " of seed "
            + SEED
            + ": "
            + new String(bytes, StandardCharsets.ISO_8859_1)
                .replace("\r", "\\r")
                .replace("\n", "\\n");
    assertNull(Reading.looser(ours, theirs), text);
  }

  @Test
  void noBytesAtAllBreakEitherParserOrKeepItBusy() throws IOException {
    Random random = new Random(SEED);
    for (int i = 0; i < MESSAGES; i++) {
      byte[] bytes = new byte[random.nextInt(200)];
      random.nextBytes(bytes);
      if (random.nextBoolean()) {
        byte[] head = "HTTP/1.1 200 OK\r\n".getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(head, 0, bytes, 0, Math.min(head.length, bytes.length));
      }
      Reading.ours(bytes);
      response(bytes);
    }
  }

  private static void response(byte[] bytes) throws IOException {
    InputBuffer source =
        new InputBuffer(new ByteArrayInputStream(bytes), 64, ByteBudget.unlimited());
    try {
      ResponseHead head = new ResponseParser(source, HeadLimits.USUAL).next();
      if (head != null) {
        BodyFraming length =
            BodyFraming.ofResponse("GET", head.status(), head.http11(), head.fields());
        BodyInput.of(length, source, HeadLimits.USUAL).readAllBytes();
      }
    } catch (BadMessage | EOFException refused) {
      // Refused is what most of it should be; anything else that is thrown fails the test.
      return;
    }
  }
}
