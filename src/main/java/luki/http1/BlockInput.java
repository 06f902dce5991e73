package luki.http1;

import java.io.IOException;
import java.io.InputStream;

/** A stream that is read by blocks; a single byte is a block of one. */
public abstract class BlockInput extends InputStream {
  @Override
  public final int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public abstract int read(byte[] into, int offset, int length) throws IOException;

  /** Bytes until the end of the stream, -1 where that is not known. */
  public long remaining() {
    return -1;
  }

  /** The same of any stream. */
  public static long remainingOf(InputStream in) {
    return in instanceof BlockInput blocks ? blocks.remaining() : -1;
  }

  /** As the standard one, which makes and clears 16 KB for each call. */
  @Override
  public byte[] readNBytes(int most) throws IOException {
    return ByteBudget.unlimited().read(this, most);
  }
}
