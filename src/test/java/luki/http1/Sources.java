package luki.http1;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Random;

/** Sources of bytes that are known, in pieces that are not. */
final class Sources {
  private Sources() {}

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  static InputBuffer of(String text) {
    return new InputBuffer(new ByteArrayInputStream(bytes(text)), 64, ByteBudget.unlimited());
  }

  /** Gives at most so many bytes a read, each time another number. */
  static InputBuffer inPieces(byte[] bytes, int most, Random random) {
    InputStream pieces =
        new ByteArrayInputStream(bytes) {
          @Override
          public synchronized int read(byte[] into, int offset, int length) {
            return super.read(into, offset, Math.min(length, 1 + random.nextInt(most)));
          }
        };
    return new InputBuffer(pieces, 16, ByteBudget.unlimited());
  }
}
