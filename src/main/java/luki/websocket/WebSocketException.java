package luki.websocket;

import java.io.IOException;

/** The client broke a rule of the protocol: the connection ends with this code. */
public final class WebSocketException extends IOException {
  private static final long serialVersionUID = 1L;

  private final CloseCode code;

  WebSocketException(CloseCode code, String rule) {
    super(rule);
    this.code = code;
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
