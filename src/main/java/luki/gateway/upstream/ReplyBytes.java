package luki.gateway.upstream;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import luki.http1.RawClient;

/** Collects a reply up to a limit; a longer one is broken off. */
final class ReplyBytes {
  private static final int FIRST = 2048;

  private ReplyBytes() {}

  /** A reply that is longer than the gateway takes. */
  static final class TooLong extends IOException {
    private static final long serialVersionUID = 1L;

    TooLong() {
      super("reply too long");
    }
  }

  static byte[] of(RawClient.Reply reply, int limit) throws IOException {
    InputStream in = reply.body();
    byte[] bytes = new byte[Math.min(FIRST, limit + 1)];
    int length = 0;
    while (true) {
      int n = in.read(bytes, length, bytes.length - length);
      if (n < 0) {
        return length == bytes.length ? bytes : Arrays.copyOf(bytes, length);
      }
      length += n;
      if (length > limit) {
        throw new TooLong();
      }
      if (length == bytes.length) {
        bytes = Arrays.copyOf(bytes, Math.min(2 * length, limit + 1));
      }
    }
  }
}
