package luki.wire;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A long body on its way, on a thread of its own, so that an early reply is seen. */
final class Pouring {
  private enum State {
    SENDING,
    SENT,
    STOPPED,
    FAILED
  }

  private final Upload upload;
  private volatile State state = State.SENDING;
  private volatile @Nullable IOException failure;

  private Pouring(Upload upload) {
    this.upload = upload;
  }

  static Pouring start(Upload upload, Link link) {
    Pouring pouring = new Pouring(upload);
    Thread.ofVirtual().name("wire-upload").start(() -> pouring.run(link));
    return pouring;
  }

  private void run(Link link) {
    try {
      Sending.pour(upload, link, () -> state == State.STOPPED);
      if (state == State.SENDING) {
        state = State.SENT;
      }
    } catch (BadBody ours) {
      fail(ours);
      // The service would wait for the rest in vain.
      link.close();
    } catch (IOException broken) {
      // Not closed here: the answer may be there all the same.
      fail(broken);
    } catch (InterruptedException interrupted) {
      fail(new IOException("interrupted", interrupted));
      link.close();
    }
  }

  private void fail(IOException why) {
    upload.cancel();
    if (state == State.SENDING) {
      failure = why;
      state = State.FAILED;
    }
  }

  @Nullable IOException failure() {
    return failure;
  }

  /** Stops it when it is not over; whether it was sent whole. */
  boolean stop() {
    if (state == State.SENDING) {
      state = State.STOPPED;
      upload.cancel();
    }
    return state == State.SENT;
  }
}
