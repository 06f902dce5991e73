package luki.websocket;

/** What a client sends: a whole message, or a control frame. */
public final class Message {
  /** The code of a close frame that states none. */
  public static final int NO_CODE = 1005;

  private final Kind kind;
  private final byte[] payload;
  private final int code;

  /** A text is in valid UTF-8. */
  public enum Kind {
    TEXT,
    BINARY,
    PING,
    PONG,
    CLOSE
  }

  private Message(Kind kind, byte[] payload, int code) {
    this.kind = kind;
    this.payload = payload;
    this.code = code;
  }

  static Message of(Kind kind, byte[] payload) {
    return new Message(kind, payload, NO_CODE);
  }

  static Message close(int code) {
    return new Message(Kind.CLOSE, new byte[0], code);
  }

  public Kind kind() {
    return kind;
  }

  /** The bytes must not be changed. */
  public byte[] payload() {
    return payload;
  }

  /** Of a close frame, {@link #NO_CODE} where it states none. */
  public int code() {
    return code;
  }
}
