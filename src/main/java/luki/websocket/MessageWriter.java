package luki.websocket;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Writes frames to a client, each at once and whole, for any number of threads. After a close frame
 * nothing is written any more.
 */
public final class MessageWriter {
  private static final int MAX_HEAD_BYTES = 10;

  private final OutputStream out;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile boolean closed;

  public MessageWriter(OutputStream out) {
    this.out = out;
  }

  public boolean isClosed() {
    return closed;
  }

  /** Writes a text message. */
  public void text(byte[] utf8) throws IOException {
    write(MessageReader.TEXT, utf8);
  }

  public void ping() throws IOException {
    write(MessageReader.PING, new byte[0]);
  }

  public void pong(byte[] payload) throws IOException {
    write(MessageReader.PONG, payload);
  }

  /**
   * Writes the close frame, unless one was written.
   *
   * @param reason in ASCII, at most 123 characters
   */
  public void close(int code, String reason) throws IOException {
    byte[] text = reason.getBytes(StandardCharsets.US_ASCII);
    write(
        MessageReader.CLOSE,
        ByteBuffer.allocate(2 + text.length).putShort((short) code).put(text).array());
  }

  private void write(int opcode, byte[] payload) throws IOException {
    ByteBuffer frame = ByteBuffer.allocate(MAX_HEAD_BYTES + payload.length);
    frame.put((byte) (MessageReader.FINAL | opcode));
    if (payload.length < 126) {
      frame.put((byte) payload.length);
    } else if (payload.length < 0x10000) {
      frame.put((byte) 126).putShort((short) payload.length);
    } else {
      frame.put((byte) 127).putLong(payload.length);
    }
    frame.put(payload);
    lock.lock();
    try {
      if (!closed) {
        closed = opcode == MessageReader.CLOSE;
        out.write(frame.array(), 0, frame.position());
        out.flush();
      }
    } finally {
      lock.unlock();
    }
  }
}
