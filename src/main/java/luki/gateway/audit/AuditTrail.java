package luki.gateway.audit;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import luki.gateway.audit.AuditRecord.Decision;
import luki.gateway.audit.AuditRecord.DenialReason;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Principal;
import luki.gateway.json.Json;
import luki.gateway.observe.FailureLog;
import luki.gateway.observe.Periodic;
import luki.gateway.observe.QueuedWriter;
import org.jspecify.annotations.Nullable;

/**
 * Takes the server's audit records without making a request wait. While the file cannot be written
 * they are queued; what does not fit is counted, and the count becomes a record itself.
 *
 * <p>So that no caller can fill the disk, only the first denials of a caller for a reason have a
 * record each; the others of the same minute are summed up in one. Denials without a valid
 * credential, which cost their sender nothing, are only summed up.
 */
public final class AuditTrail implements AutoCloseable {
  private static final QueuedWriter.Limits QUEUE =
      new QueuedWriter.Limits(
          65_536, 1024, Duration.ofMillis(100), Duration.ofSeconds(1), Duration.ofSeconds(2));
  private static final Duration INTERVAL = Duration.ofMinutes(1);
  private static final int SINGLE_RECORDS = 60;
  private static final int MAX_REASONS = 10_000;

  private final AuditFile file;
  private volatile AuditRecord.Context context;
  private final QueuedWriter<AuditRecord> writer;
  private final Map<DenialReason, Long> denials = new ConcurrentHashMap<>();
  private final Periodic summaries;
  private long recordedLosses;

  public AuditTrail(AuditFile file) {
    this(file, INTERVAL);
  }

  AuditTrail(AuditFile file, Duration interval) {
    this.file = file;
    this.context = file.context();
    FailureLog failures =
        new FailureLog(
            "audit", "the audit file cannot be written", "the audit file can be written again");
    this.writer = new QueuedWriter<>("audit", QUEUE, failures, this::write);
    this.summaries =
        new Periodic(
            "audit-summaries",
            () -> {
              Thread.sleep(interval);
              summarize();
              return Duration.ZERO;
            });
  }

  void add(AuditRecord denial) {
    DenialReason reason = denial.reason();
    if (denials.size() >= MAX_REASONS && !denials.containsKey(reason)) {
      reason = new DenialReason("", reason.rule(), reason.code());
    }
    if (denials.merge(reason, 1L, Long::sum) <= singleRecords(reason)) {
      writer.add(denial);
    }
  }

  /** Takes a refusal; one that does not depend on its caller has no record. */
  public void denied(Exchange exchange, @Nullable Principal who, @Nullable ErrorCode code) {
    AuditRecord.Rule rule = code == null ? null : AuditRecord.ruleOf(code);
    if (code != null && rule != null) {
      add(AuditRecord.denial(exchange, who, rule, code, context));
    }
  }

  /** Takes a change of consent: each has a record. */
  public void consentChanged(
      Exchange exchange, Decision decision, Json scope, @Nullable ErrorCode code) {
    writer.add(AuditRecord.consentChange(exchange, decision, scope.string(""), code, context));
  }

  private static int singleRecords(DenialReason reason) {
    return reason.who().isEmpty() ? 0 : SINGLE_RECORDS;
  }

  private void summarize() {
    for (DenialReason reason : List.copyOf(denials.keySet())) {
      Long count = denials.remove(reason);
      if (count != null && count > singleRecords(reason)) {
        writer.add(AuditRecord.denials(reason, count - singleRecords(reason), context));
      }
    }
  }

  /** The next records name another policy. */
  public void use(AuditRecord.Context newer) {
    context = newer;
  }

  /** The number of records that are lost. */
  public long lost() {
    return writer.dropped();
  }

  private void write(List<AuditRecord> batch) throws IOException {
    long losses = writer.dropped();
    List<AuditRecord> records = new ArrayList<>(batch);
    if (losses > recordedLosses) {
      records.add(AuditRecord.ofTrail(Decision.LOSE, losses - recordedLosses, context));
    }
    file.append(records);
    recordedLosses = losses;
  }

  /** Writes what is left, for at most two seconds. */
  @Override
  public void close() {
    summaries.close();
    summarize();
    writer.close();
  }
}
