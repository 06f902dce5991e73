package luki.wire;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Sends a long body on a thread of its own, so that an early reply is seen. */
final class BodyUpload {
  // The channel copies each piece into a direct buffer of its size.
  private static final int PIECE_BYTES = 64 * 1024;

  private final byte[] body;
  private final PooledConnection connection;
  private volatile boolean stopped;
  private volatile boolean complete;

  private BodyUpload(byte[] body, PooledConnection connection) {
    this.body = body;
    this.connection = connection;
  }

  static BodyUpload start(byte[] body, PooledConnection connection) {
    BodyUpload upload = new BodyUpload(body, connection);
    Thread.ofVirtual().name("wire-upload").start(upload::run);
    return upload;
  }

  private void run() {
    try {
      for (int at = 0; at < body.length; at += PIECE_BYTES) {
        if (stopped) {
          return;
        }
        connection.write(ByteBuffer.wrap(body, at, Math.min(PIECE_BYTES, body.length - at)));
      }
      complete = true;
    } catch (IOException broken) {
      // The connection stays open: a reply may have arrived before the failure.
    }
  }

  /** Stops it if it still runs; whether the whole body was sent before. */
  boolean stop() {
    stopped = true;
    return complete;
  }
}
