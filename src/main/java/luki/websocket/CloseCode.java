package luki.websocket;

/** Why a WebSocket ends (RFC 6455 §7.4.1), as far as a server says so. */
public final class CloseCode {
  public static final int NORMAL = 1000;
  public static final int GOING_AWAY = 1001;
  public static final int PROTOCOL_ERROR = 1002;
  public static final int UNSUPPORTED_DATA = 1003;
  public static final int INVALID_TEXT = 1007;
  public static final int POLICY = 1008;
  public static final int TOO_BIG = 1009;
  public static final int TRY_AGAIN_LATER = 1013;

  private CloseCode() {}
}
