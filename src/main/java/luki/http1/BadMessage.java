package luki.http1;

import java.io.IOException;

/** A refused message. What follows it on its connection must not be trusted. */
public final class BadMessage extends IOException {
  private static final long serialVersionUID = 1L;

  /** Why a message is refused, and the status that a server answers. */
  public enum Reason {
    REQUEST_LINE(400),
    STATUS_LINE(400),
    TARGET(400),
    FIELD(400),
    HOST(400),
    FRAMING(400),
    CHUNK(400),
    /** The sender is too slow. */
    TIMEOUT(408),
    TARGET_TOO_LONG(414),
    /** An expectation other than {@code 100-continue}. */
    EXPECTATION(417),
    FIELDS_TOO_LARGE(431),
    /** The handler failed before it replied. */
    FAILED(500),
    /** A transfer coding other than chunked. */
    CODING(501),
    /** CONNECT: this is no tunnel. */
    METHOD(501),
    /** There is no room in memory for the message. */
    OVERLOADED(503),
    VERSION(505);

    private final int status;

    Reason(int status) {
      this.status = status;
    }

    public int status() {
      return status;
    }
  }

  private final Reason reason;

  public BadMessage(Reason reason) {
    super("refused message: " + reason);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }

  /** No stack trace: an attacker decides how often it is thrown, and the reason is enough. */
  @Override
  public Throwable fillInStackTrace() {
    return this;
  }
}
