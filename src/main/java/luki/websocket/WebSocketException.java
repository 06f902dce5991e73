package luki.websocket;

import java.io.IOException;

/** The client broke a rule of the protocol: the connection ends with this code. */
public final class WebSocketException extends IOException {
  private static final long serialVersionUID = 1L;

  private final CloseCode code;
  private final String rule;

  WebSocketException(CloseCode code, String rule) {
    super(rule);
    this.code = code;
    this.rule = rule;
  }

  /** The rule that was broken, in ASCII. */
  public String rule() {
    return rule;
  }

  public CloseCode code() {
    return code;
  }

  /** No stack trace: clients decide how often it is thrown. */
  @Override
  public Throwable fillInStackTrace() {
    return this;
  }
}
