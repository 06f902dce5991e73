package luki.wire;

import java.io.IOException;
import java.net.http.HttpTimeoutException;
import org.jspecify.annotations.Nullable;

/** A request's body as it is sent. */
interface Upload {
  /** Bytes, or -1 where that is not known before. */
  long length();

  /**
   * The next piece, or null at the end.
   *
   * @throws HttpTimeoutException it was not there within so many nanoseconds
   */
  byte @Nullable [] next(long nanos) throws IOException, InterruptedException;

  /** Whoever makes it may stop. */
  void cancel();

  /** What is there already. */
  static Upload of(byte[] bytes) {
    return new Upload() {
      private boolean taken;

      @Override
      public long length() {
        return bytes.length;
      }

      @Override
      public byte @Nullable [] next(long nanos) {
        boolean first = !taken && bytes.length > 0;
        taken = true;
        return first ? bytes : null;
      }

      @Override
      public void cancel() {}
    };
  }
}
