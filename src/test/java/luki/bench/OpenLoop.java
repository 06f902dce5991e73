package luki.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * Requests at a fixed rate, timed from when each was due: a reply that keeps others waiting counts
 * for them too.
 */
final class OpenLoop {
  private static final int CONNECTIONS = 64;

  private final byte[] request;
  private final int port;

  OpenLoop(byte[] request, int port) {
    this.request = request;
    this.port = port;
  }

  /** In milliseconds. */
  record Latency(double p50, double p99) {}

  Latency run(double rate, Duration time) throws IOException, InterruptedException {
    int count = (int) (rate * time.toMillis() / 1000);
    long[] nanos = new long[count];
    ArrayBlockingQueue<ClosedLoop.Caller> idle = new ArrayBlockingQueue<>(CONNECTIONS);
    AtomicReference<IOException> failed = new AtomicReference<>();
    for (int i = 0; i < CONNECTIONS; i++) {
      idle.add(new ClosedLoop.Caller(port));
    }
    CountDownLatch all = new CountDownLatch(count);
    long gap = (long) (1e9 / rate);
    long start = System.nanoTime() + 1_000_000;
    for (int i = 0; i < count; i++) {
      long due = start + i * gap;
      while (due - System.nanoTime() > 20_000) {
        LockSupport.parkNanos(due - System.nanoTime());
      }
      int number = i;
      ClosedLoop.Caller caller = idle.take();
      Thread.ofVirtual()
          .start(
              () -> {
                try {
                  caller.ask(request);
                  nanos[number] = System.nanoTime() - due;
                } catch (IOException broken) {
                  failed.compareAndSet(null, broken);
                } finally {
                  idle.add(caller);
                  all.countDown();
                }
              });
      if (failed.get() != null) {
        throw failed.get();
      }
    }
    all.await();
    if (failed.get() != null) {
      throw failed.get();
    }
    idle.forEach(ClosedLoop.Caller::close);
    Arrays.sort(nanos);
    return new Latency(nanos[count / 2] / 1e6, nanos[(int) (count * 0.99)] / 1e6);
  }
}
