package luki.websocket;

/** Why a WebSocket ends (RFC 6455 §7.4.1), as far as a server sends it. */
public enum CloseCode {
  NORMAL(1000),
  GOING_AWAY(1001),
  PROTOCOL_ERROR(1002),
  UNSUPPORTED_DATA(1003),
  INVALID_TEXT(1007),
  POLICY(1008),
  TOO_BIG(1009),
  INTERNAL(1011),
  TRY_AGAIN_LATER(1013);

  private final int code;

  CloseCode(int code) {
    this.code = code;
  }

  public int code() {
    return code;
  }

  /** Whether a peer may send that code. */
  static boolean isAllowed(int code) {
    return (code >= 1000 && code <= 1003)
        || (code >= 1007 && code <= 1014)
        || (code >= 3000 && code <= 4999);
  }
}
