package luki.http1;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/** A stream that is read by blocks; a single byte is a block of one. */
public abstract class BlockInput extends InputStream {
  private static final int FIRST_BYTES = 2 * 1024;
  private static final int MAX_FIRST_BYTES = 64 * 1024;

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

  /** As the standard one, which makes and clears 16 KB for each call. */
  @Override
  public byte[] readNBytes(int most) throws IOException {
    long remaining = remaining();
    long expected = remaining < 0 ? FIRST_BYTES : Math.min(remaining, MAX_FIRST_BYTES);
    byte[] bytes = new byte[(int) Math.min(expected, most)];
    int length = 0;
    while (length < most && length != remaining) {
      if (length == bytes.length) {
        bytes = Arrays.copyOf(bytes, (int) Math.min(2L * length, most));
      }
      int n = read(bytes, length, bytes.length - length);
      if (n < 0) {
        break;
      }
      length += n;
    }
    return length == bytes.length ? bytes : Arrays.copyOf(bytes, length);
  }
}
