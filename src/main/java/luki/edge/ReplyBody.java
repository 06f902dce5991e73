package luki.edge;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Objects;
import luki.http1.ChunkedOutput;

/** What a handler writes a reply's body to. */
final class ReplyBody extends OutputStream {
  private final Reply reply;
  private final OutputStream out;
  private final boolean drops;
  private long left;

  /**
   * A body to be written.
   *
   * @param length exact or {@link Reply#UNKNOWN}
   * @param drops there is no body: what the handler writes is dropped
   */
  ReplyBody(Reply reply, OutputStream out, long length, boolean drops) {
    this.reply = reply;
    this.out = out;
    this.left = length;
    this.drops = drops;
  }

  @Override
  public void write(int octet) throws IOException {
    write(new byte[] {(byte) octet}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, bytes.length);
    if (drops || length == 0) {
      return;
    }
    reply.checkBegun();
    if (left == Reply.UNKNOWN) {
      out.write(bytes, offset, length);
      return;
    }
    if (length > left) {
      throw new IOException("more than the " + left + " bytes that are left of the body");
    }
    out.write(bytes, offset, length);
    left -= length;
    if (left == 0) {
      reply.complete();
    }
  }

  @Override
  public void flush() throws IOException {
    if (reply.state() == Reply.State.BEGUN) {
      out.flush();
    }
  }

  /**
   * Ends the reply.
   *
   * @throws IOException bytes are missing, so that the connection was closed instead
   */
  @Override
  public void close() throws IOException {
    if (reply.state() != Reply.State.BEGUN) {
      return;
    }
    if (left > 0) {
      reply.abort();
      throw new IOException(left + " bytes of the body are missing");
    }
    if (out instanceof ChunkedOutput) {
      out.close();
    }
    reply.complete();
  }
}
