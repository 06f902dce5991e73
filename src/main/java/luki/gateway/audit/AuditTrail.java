package luki.gateway.audit;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.FailureLog;
import luki.gateway.observe.QueuedWriter;

/**
 * Takes the server's audit records without making a request wait. While the file cannot be written
 * they are queued; what does not fit is counted, and the count becomes a record itself.
 */
public final class AuditTrail implements AutoCloseable {
  private static final QueuedWriter.Limits QUEUE =
      new QueuedWriter.Limits(
          65_536, 1024, Duration.ofMillis(100), Duration.ofSeconds(1), Duration.ofSeconds(2));

  private final AuditFile file;
  private final AuditRecord.Context context;
  private final QueuedWriter<AuditRecord> writer;
  private long recordedLosses;

  public AuditTrail(AuditFile file, AuditRecord.Context context) {
    this.file = file;
    this.context = context;
    FailureLog failures =
        new FailureLog(
            new Diagnostics("audit"),
            "the audit file cannot be written",
            "the audit file can be written again");
    this.writer = new QueuedWriter<>("audit", QUEUE, failures, this::write);
  }

  public void add(AuditRecord entry) {
    writer.add(entry);
  }

  public AuditRecord.Context context() {
    return context;
  }

  private void write(List<AuditRecord> batch) throws IOException {
    long losses = writer.dropped();
    List<AuditRecord> records = new ArrayList<>(batch);
    if (losses > recordedLosses) {
      records.add(AuditRecord.ofTrail(AuditRecord.Decision.LOSE, losses - recordedLosses, context));
    }
    file.append(records);
    recordedLosses = losses;
  }

  /** Writes what is left, for at most two seconds. */
  @Override
  public void close() {
    writer.close();
  }
}
