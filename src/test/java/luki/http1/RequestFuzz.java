package luki.http1;

import java.io.ByteArrayInputStream;
import java.util.List;
import java.util.Random;

/**
 * What must hold of any bytes that a client may send: nothing but a refusal is thrown, they are
 * read alike however they arrive, and an independent parser reads the same in what is taken. The
 * entry is the one that coverage-guided fuzzers look for.
 */
public final class RequestFuzz {
  private RequestFuzz() {}

  /** Fails with an {@link AssertionError} where one of it does not hold. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    List<Reading.Seen> whole =
        Reading.ours(new InputBuffer(new ByteArrayInputStream(bytes), 512, ByteBudget.unlimited()));
    List<Reading.Seen> pieces = Reading.ours(Sources.inPieces(bytes, 3, new Random(bytes.length)));
    if (!whole.equals(pieces)) {
      throw new AssertionError("whole " + whole + "\nin pieces " + pieces);
    }
    if (!whole.isEmpty()) {
      String looser = Reading.looser(whole, Reading.nettys(bytes));
      if (looser != null) {
        throw new AssertionError(looser);
      }
    }
  }
}
