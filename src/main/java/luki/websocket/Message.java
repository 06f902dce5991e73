package luki.websocket;

/** What a client sends: a whole message, or a control frame. */
public sealed interface Message {
  /** A text in valid UTF-8. */
  record Text(byte[] utf8) implements Message {}

  record Binary(byte[] bytes) implements Message {}

  record Ping(byte[] payload) implements Message {}

  record Pong() implements Message {}

  /**
   * The client ends the connection.
   *
   * @param code 1005 where it stated none
   */
  record Close(int code) implements Message {
    public static final int NO_CODE = 1005;
  }
}
