package luki.websocket;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Writes frames to a client, each at once and whole, for any number of threads. After a close frame
 * nothing is written any more.
 */
public final class MessageWriter {
  private static final int FINAL = 0x80;
  private static final int TEXT = 1;
  private static final int CLOSE = 8;
  private static final int PING = 9;
  private static final int PONG = 10;
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
    write(TEXT, utf8);
  }

  public void ping() throws IOException {
    write(PING, new byte[0]);
  }

  public void pong(byte[] payload) throws IOException {
    write(PONG, payload);
  }

  /**
   * Writes the close frame, unless one was written.
   *
   * @param reason in ASCII, at most 123 characters
   */
  public void close(int code, String reason) throws IOException {
    byte[] text = reason.getBytes(StandardCharsets.US_ASCII);
    byte[] payload = new byte[2 + text.length];
    payload[0] = (byte) (code >> 8);
    payload[1] = (byte) code;
    System.arraycopy(text, 0, payload, 2, text.length);
    write(CLOSE, payload);
  }

  private void write(int opcode, byte[] payload) throws IOException {
    byte[] frame = new byte[MAX_HEAD_BYTES + payload.length];
    int at = 0;
    frame[at++] = (byte) (FINAL | opcode);
    if (payload.length < 126) {
      frame[at++] = (byte) payload.length;
    } else {
      int octets = payload.length < 0x10000 ? 2 : 8;
      frame[at++] = (byte) (octets == 2 ? 126 : 127);
      for (int i = octets - 1; i >= 0; i--) {
        frame[at++] = (byte) ((long) payload.length >> (8 * i));
      }
    }
    System.arraycopy(payload, 0, frame, at, payload.length);
    lock.lock();
    try {
      if (!closed) {
        closed = opcode == CLOSE;
        out.write(frame, 0, at + payload.length);
        out.flush();
      }
    } finally {
      lock.unlock();
    }
  }
}
