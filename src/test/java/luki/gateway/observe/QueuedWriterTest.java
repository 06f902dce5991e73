package luki.gateway.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class QueuedWriterTest {
  private static final Duration SOON = Duration.ofSeconds(5);
  private static final Duration RETRY = Duration.ofMillis(5);

  private final List<Integer> written = Collections.synchronizedList(new ArrayList<>());
  private final AtomicBoolean broken = new AtomicBoolean();
  private final CountDownLatch blocked = new CountDownLatch(1);

  private QueuedWriter<Integer> writer(int capacity, Duration retry, boolean blocks) {
    return new QueuedWriter<>(
        "test",
        new QueuedWriter.Limits(capacity, 4, RETRY, retry, Duration.ofSeconds(1)),
        new FailureLog("test", "failing", "recovered"),
        batch -> {
          assertTrue(batch.size() <= 4, batch.toString());
          try {
            if (blocks) {
              blocked.await();
            }
          } catch (InterruptedException stopped) {
            throw new IOException(stopped);
          }
          if (broken.get()) {
            throw new IOException("No space left on device");
          }
          written.addAll(batch);
        });
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  @Test
  void writesEverythingInOrderBeforeItIsClosed() {
    try (QueuedWriter<Integer> writer = writer(1000, RETRY, false)) {
      range(0, 500).forEach(writer::add);
    }
    assertEquals(range(0, 500), written);
  }

  @Test
  void aFailedBatchIsWrittenAgainInItsPlace() {
    broken.set(true);
    try (QueuedWriter<Integer> writer = writer(1000, RETRY, false)) {
      range(0, 50).forEach(writer::add);
      broken.set(false);
      Waiting.until(SOON, () -> written.size() == 50);
      assertEquals(0, writer.dropped());
    }
    assertEquals(range(0, 50), written);
  }

  @Test
  void withoutARetryAFailedBatchIsDroppedAndCounted() {
    broken.set(true);
    try (QueuedWriter<Integer> writer = writer(1000, Duration.ZERO, false)) {
      range(0, 50).forEach(writer::add);
      Waiting.until(SOON, () -> writer.dropped() == 50);
    }
    assertEquals(List.of(), written);
  }

  @Test
  void itemsBeyondTheCapacityAreDroppedAndCounted() {
    try (QueuedWriter<Integer> writer = writer(10, RETRY, true)) {
      range(0, 100).forEach(writer::add);
      assertEquals(90, writer.dropped());
      blocked.countDown();
    }
    assertEquals(range(0, 10), written);
  }

  @Test
  void aCallerMayWaitForASlowSinkButNotForAFailingOne() throws InterruptedException {
    QueuedWriter<Integer> slow = writer(10, RETRY, true);
    AtomicInteger taken = new AtomicInteger();
    Thread caller =
        Thread.startVirtualThread(
            () -> {
              for (int i : range(0, 30)) {
                slow.add(i, Duration.ofSeconds(20));
                taken.incrementAndGet();
              }
            });
    Waiting.until(SOON, () -> taken.get() == 10);
    blocked.countDown();
    caller.join();
    slow.close();
    assertEquals(range(0, 30), written);
    broken.set(true);
    QueuedWriter<Integer> failing = writer(10, RETRY, false);
    failing.add(0);
    // The first calls may wait: the failure is not known yet.
    range(1, 30).forEach(i -> failing.add(i, Duration.ofSeconds(20)));
    assertEquals(20, failing.dropped());
    failing.close();
    assertEquals(30, failing.dropped(), "what is left at the end is dropped");
  }

  @Test
  void itemsAreRefusedAfterClose() {
    QueuedWriter<Integer> writer = writer(10, RETRY, false);
    writer.close();
    writer.add(1);
    assertEquals(1, writer.dropped());
    assertEquals(List.of(), written);
  }

  @Test
  void aPeriodicTaskSurvivesAnExceptionAndEndsWhenItIsClosed() {
    AtomicInteger runs = new AtomicInteger();
    try (Periodic _ =
        new Periodic(
            "test",
            () -> {
              if (runs.incrementAndGet() == 2) {
                throw new IllegalStateException("of the test");
              }
              return Duration.ofMillis(1);
            })) {
      Waiting.until(SOON, () -> runs.get() > 5);
    }
    int ended = runs.get();
    assertEquals(ended, runs.get());
  }
}
