package luki.wire;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A long body on its way, on a thread of its own, so that an early reply is seen. */
final class BodyUpload {
  private enum State {
    SENDING,
    SENT,
    STOPPED,
    FAILED
  }

  private final Upload upload;
  private final AtomicReference<State> state = new AtomicReference<>(State.SENDING);
  private volatile @Nullable BadBody failure;

  private BodyUpload(Upload upload) {
    this.upload = upload;
  }

  static BodyUpload start(Upload upload, PooledConnection link) {
    BodyUpload pouring = new BodyUpload(upload);
    Thread.ofVirtual().name("wire-upload").start(() -> pouring.run(link));
    return pouring;
  }

  private void run(PooledConnection link) {
    try {
      RequestWriter.pour(upload, link, () -> state.get() == State.STOPPED);
      state.compareAndSet(State.SENDING, State.SENT);
    } catch (BadBody ours) {
      fail(ours, link);
    } catch (RuntimeException | InterruptedException defect) {
      fail(new BadBody(defect), link);
    } catch (IOException broken) {
      // Not closed here: the answer may be there all the same.
      if (state.compareAndSet(State.SENDING, State.FAILED)) {
        upload.cancel();
      }
    }
  }

  private void fail(BadBody why, PooledConnection link) {
    if (state.compareAndSet(State.SENDING, State.FAILED)) {
      failure = why;
      upload.cancel();
      // The service would wait for the rest in vain.
      link.close();
    }
  }

  /** Why the body could not be made, if that is why it was not sent. */
  @Nullable BadBody failure() {
    return failure;
  }

  /** Stops it when it is not over; whether it was sent whole. */
  boolean stop() {
    if (state.compareAndSet(State.SENDING, State.STOPPED)) {
      upload.cancel();
    }
    return state.get() == State.SENT;
  }
}
