package luki.gateway.upstream;

import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import luki.gateway.http.Deadline;

/**
 * Work beside the request's own thread that never outlives it: closing interrupts it, which ends
 * the call that it waits for.
 */
public final class Branch<T> implements AutoCloseable {
  private final FutureTask<T> task;

  /** Starts at once. */
  public Branch(Callable<T> work) {
    this.task = new FutureTask<>(work);
    Thread.ofVirtual().name("branch").start(task);
  }

  /**
   * What it yields; empty when that is not there in time.
   *
   * @throws ExecutionException the work failed
   */
  public Optional<T> await(Deadline deadline) throws InterruptedException, ExecutionException {
    try {
      return Optional.of(task.get(deadline.left().toNanos(), TimeUnit.NANOSECONDS));
    } catch (TimeoutException | CancellationException late) {
      return Optional.empty();
    }
  }

  @Override
  public void close() {
    task.cancel(true);
  }
}
