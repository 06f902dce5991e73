package luki.grpc;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import luki.gateway.http.ApiError;
import luki.gateway.http.Deadline;
import org.jspecify.annotations.Nullable;

/** What the threads of the transport and the thread of a call share, behind one lock. */
final class CallState {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /** The client has left. */
  boolean cancelled;

  /** The gateway has cancelled the call to the service. */
  boolean cancelledHere;

  /** The service has ended the call. */
  boolean serviceEnded;

  /** What is wrong with the client's messages. */
  @Nullable ApiError broken;

  /** The call to the service may still be used. */
  boolean isOpen() {
    return !cancelledHere && !serviceEnded;
  }

  /** Makes a change, and wakes who waits for one. */
  void change(Runnable change) {
    lock.lock();
    try {
      change.run();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Reads something that other threads change. */
  <T extends @Nullable Object> T read(Supplier<T> value) {
    lock.lock();
    try {
      return value.get();
    } finally {
      lock.unlock();
    }
  }

  /** Waits until the condition is met, the client has left or sent something invalid. */
  void await(Deadline by, BooleanSupplier met) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!cancelled && broken == null && !met.getAsBoolean()) {
        long left = by.left().toNanos();
        if (left <= 0) {
          return;
        }
        long _ = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }
}
