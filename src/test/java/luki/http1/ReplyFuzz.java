package luki.http1;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import luki.http1.ResponseParser.ResponseHead;

/**
 * What must hold of any bytes that a service may send: nothing but a refusal is thrown, and they
 * are read alike however they arrive. The entry is the one that coverage-guided fuzzers look for.
 */
public final class ReplyFuzz {
  private ReplyFuzz() {}

  /** Fails with an {@link AssertionError} where one of it does not hold. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    for (String method : new String[] {"GET", "HEAD"}) {
      String whole =
          read(
              method,
              new InputBuffer(new ByteArrayInputStream(bytes), 512, ByteBudget.unlimited()));
      String pieces = read(method, Sources.inPieces(bytes, 3, new Random(bytes.length)));
      if (!whole.equals(pieces)) {
        throw new AssertionError("whole " + whole + "\nin pieces " + pieces);
      }
    }
  }

  /** What was read up to the end, or why no more. */
  static String read(String method, InputBuffer source) {
    StringBuilder seen = new StringBuilder();
    ResponseParser parser = new ResponseParser(source, HeadLimits.USUAL);
    try {
      ResponseHead head = parser.next();
      while (head != null) {
        seen.append(head.status()).append(' ').append(head.fields().size()).append(' ');
        if (head.status() >= 200) {
          BodyFraming length =
              BodyFraming.ofResponse(method, head.status(), head.http11(), head.fields());
          byte[] body = BodyInput.of(length, source, HeadLimits.USUAL).readAllBytes();
          seen.append(new String(body, StandardCharsets.ISO_8859_1)).append('|');
        }
        head = parser.next();
      }
      return seen.append("end").toString();
    } catch (BadMessage refused) {
      return seen.append(refused.reason()).toString();
    } catch (EOFException _) {
      return seen.append("cut off").toString();
    } catch (IOException cannotBe) {
      throw new AssertionError(cannotBe);
    }
  }
}
