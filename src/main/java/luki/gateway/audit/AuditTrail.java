package luki.gateway.audit;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import luki.gateway.observe.Diagnostics;

/**
 * Takes the server's audit records without making a request wait. While the disk is full or away
 * they queue; what does not fit is counted, and the count becomes a record itself.
 */
public final class AuditTrail implements AutoCloseable {
  private static final Diagnostics LOG = new Diagnostics("audit");
  private static final int CAPACITY = 65_536;
  private static final int BATCH = 1024;
  private static final Duration PAUSE = Duration.ofMillis(100);
  private static final Duration RETRY = Duration.ofSeconds(1);

  private final ArrayBlockingQueue<AuditRecord> queue = new ArrayBlockingQueue<>(CAPACITY);
  private final AtomicLong lost = new AtomicLong();
  private final AuditFile file;
  private final AuditRecord.Context context;
  private final Thread writer;
  private volatile boolean closing;

  public AuditTrail(AuditFile file, AuditRecord.Context context) {
    this.file = file;
    this.context = context;
    // A platform thread: a slow disk must not hold one of the carriers.
    this.writer = Thread.ofPlatform().daemon().name("audit").start(this::run);
  }

  public void add(AuditRecord entry) {
    if (!queue.offer(entry)) {
      lost.incrementAndGet();
    }
  }

  public AuditRecord.Context context() {
    return context;
  }

  private void run() {
    List<AuditRecord> batch = new ArrayList<>();
    boolean failing = false;
    try {
      while (!closing || !queue.isEmpty() || !batch.isEmpty()) {
        fill(batch);
        boolean written = batch.isEmpty() || written(batch, failing);
        failing = !written;
        if (written) {
          batch.clear();
        } else if (closing) {
          return;
        }
        Thread.sleep(written ? PAUSE : RETRY);
      }
    } catch (InterruptedException closed) {
      // close() could wait no longer.
    }
  }

  private void fill(List<AuditRecord> batch) {
    if (!batch.isEmpty()) {
      return;
    }
    queue.drainTo(batch, BATCH);
    long missing = lost.getAndSet(0);
    if (missing > 0) {
      batch.add(AuditRecord.ofTrail(AuditRecord.Decision.LOSE, missing, context));
    }
  }

  private boolean written(List<AuditRecord> batch, boolean failing) {
    try {
      file.append(batch);
      if (failing) {
        LOG.info("the audit file can be written again");
      }
      return true;
    } catch (IOException away) {
      if (!failing) {
        LOG.error("the audit file cannot be written", Diagnostics.Field.of("cause", away));
      }
      return false;
    }
  }

  /** Writes what is left, for at most two seconds. */
  @Override
  public void close() {
    closing = true;
    try {
      if (!writer.join(Duration.ofSeconds(2))) {
        writer.interrupt();
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
