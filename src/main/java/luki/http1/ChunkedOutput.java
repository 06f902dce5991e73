package luki.http1;

import java.io.IOException;
import java.io.OutputStream;

/**
 * Writes each piece as a chunk, to a stream that should be buffered. Closing it, once, writes the
 * last chunk and flushes, but does not close that stream; an aborted body is not closed.
 */
public final class ChunkedOutput extends OutputStream {
  private static final byte[] LAST = {'0', '\r', '\n', '\r', '\n'};

  private final OutputStream out;
  private final byte[] size = new byte[10];

  public ChunkedOutput(OutputStream out) {
    this.out = out;
  }

  @Override
  public void write(int octet) throws IOException {
    write(new byte[] {(byte) octet}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    // RFC 9112 §7.1: a chunk of no bytes would be the last one.
    if (length > 0) {
      int end = Latin1.putHex(length, size, 0);
      size[end] = '\r';
      size[end + 1] = '\n';
      out.write(size, 0, end + 2);
      out.write(bytes, offset, length);
      out.write(LAST, 1, 2);
    }
  }

  @Override
  public void flush() throws IOException {
    out.flush();
  }

  @Override
  public void close() throws IOException {
    out.write(LAST, 0, LAST.length);
    out.flush();
  }
}
