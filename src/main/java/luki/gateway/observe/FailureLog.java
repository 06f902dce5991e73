package luki.gateway.observe;

import com.google.errorprone.annotations.CompileTimeConstant;
import java.util.concurrent.atomic.AtomicBoolean;

/** Logs a lasting failure twice: when it begins and when it ends. */
public final class FailureLog {
  private final Diagnostics log;
  @CompileTimeConstant private final String failing;
  @CompileTimeConstant private final String recovered;
  private final AtomicBoolean isFailing = new AtomicBoolean();

  /** Writes to the logger of that name. */
  public FailureLog(
      String name, @CompileTimeConstant String failing, @CompileTimeConstant String recovered) {
    this.log = new Diagnostics(name);
    this.failing = failing;
    this.recovered = recovered;
  }

  /** Logs an error unless the failure is known. */
  public void failed(Diagnostics.Field... fields) {
    if (isFailing.compareAndSet(false, true)) {
      log.error(failing, fields);
    }
  }

  public void succeeded() {
    if (isFailing.get() && isFailing.compareAndSet(true, false)) {
      log.info(recovered);
    }
  }

  /** Logs that so many items are lost because the process ends. */
  void lost(long items) {
    log.error("lost at shutdown", Diagnostics.Field.of("items", items));
  }

  public boolean isFailing() {
    return isFailing.get();
  }
}
