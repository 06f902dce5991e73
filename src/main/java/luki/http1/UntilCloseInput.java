package luki.http1;

import java.io.IOException;
import java.util.Objects;

/** A response's body that ends with its connection. */
public final class UntilCloseInput extends BodyInput {
  private final InputBuffer source;
  private boolean ended;

  public UntilCloseInput(InputBuffer source) {
    this.source = source;
  }

  @Override
  public boolean isEnded() {
    return ended;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, into.length);
    int n = ended ? -1 : source.read(into, offset, length);
    ended = n < 0;
    return n;
  }
}
