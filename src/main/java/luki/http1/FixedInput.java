package luki.http1;

import java.io.EOFException;
import java.io.IOException;
import java.util.Objects;

/** A body of a length that is known. */
public final class FixedInput extends BodyInput {
  private final InputBuffer source;
  private long left;

  public FixedInput(InputBuffer source, long length) {
    this.source = source;
    this.left = length;
  }

  @Override
  public boolean isEnded() {
    return left == 0;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, into.length);
    if (length == 0) {
      return 0;
    }
    if (left == 0) {
      return -1;
    }
    int n = source.read(into, offset, (int) Math.min(length, left));
    if (n < 0) {
      throw new EOFException("closed " + left + " bytes before the end of a body");
    }
    left -= n;
    return n;
  }
}
