package luki.websocket;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import luki.http1.ByteBudget;

/**
 * Reads what a client sends (RFC 6455 §5): frames are unmasked and joined to messages. Room is
 * taken from the budget before a payload is read. For one thread.
 */
public final class MessageReader {
  private static final int CONTINUATION = 0;
  static final int TEXT = 1;
  private static final int BINARY = 2;
  static final int CLOSE = 8;
  static final int PING = 9;
  static final int PONG = 10;

  static final int FINAL = 0x80;
  private static final int RESERVED = 0x70;
  private static final int OPCODE = 0x0f;
  private static final int MASKED = 0x80;
  private static final int MAX_CONTROL_BYTES = 125;

  /** Frames without content cost the client next to nothing. */
  private static final int MAX_FRAMES = 1024;

  private static final byte[] NOTHING = {};

  private final DataInputStream in;
  private final int maxBytes;
  private final ByteBudget.Lease memory;
  private final byte[] key = new byte[4];
  // The message whose last frame has not come yet.
  private boolean unfinished;
  private boolean text;
  private byte[] partial = NOTHING;
  private int length;
  private int frames;

  // Of the last message.
  private byte[] payload = NOTHING;
  private int code = CloseCode.NORMAL;

  /** What a client sends: a whole message, or a control frame. A text is in valid UTF-8. */
  public enum Kind {
    TEXT,
    BINARY,
    PING,
    PONG,
    CLOSE
  }

  /**
   * Begins at a frame.
   *
   * @param maxBytes of a message
   */
  public MessageReader(InputStream in, int maxBytes, ByteBudget.Lease memory) {
    this.in = new DataInputStream(in);
    this.maxBytes = maxBytes;
    this.memory = memory;
  }

  /** Gives the room of the last message back: it is not used any more. */
  public void release() {
    payload = NOTHING;
    if (!unfinished) {
      memory.clear();
    }
  }

  /**
   * Blocks for the next message or control frame.
   *
   * @throws BrokenRule the client broke a rule
   * @throws EOFException the stream ended without a close frame
   */
  public Kind next() throws IOException {
    while (true) {
      int first = in.readUnsignedByte();
      int second = in.readUnsignedByte();
      int opcode = first & OPCODE;
      check((first & RESERVED) == 0, "a reserved bit is set");
      check((second & MASKED) != 0, "the frame is not masked");
      long size = sizeOf(second & ~MASKED);
      boolean last = (first & FINAL) != 0;
      if (opcode >= CLOSE) {
        return control(opcode, last, size);
      }
      data(opcode, last, size);
      if (last) {
        return complete();
      }
    }
  }

  /** The bytes of the last message or control frame. */
  public byte[] payload() {
    return payload;
  }

  /** What the last close frame is answered with: its code if it states one. */
  public int code() {
    return code;
  }

  private Kind control(int opcode, boolean last, long size) throws IOException {
    check(last, "a control frame is fragmented");
    check(size <= MAX_CONTROL_BYTES, "a control frame is longer than 125 bytes");
    payload = new byte[(int) size];
    readMasked(payload, 0, payload.length);
    return switch (opcode) {
      case PING -> Kind.PING;
      case PONG -> Kind.PONG;
      case CLOSE -> close();
      default -> throw broken("opcode " + opcode);
    };
  }

  private Kind close() throws BrokenRule {
    if (payload.length > 0) {
      check(payload.length > 1, "half a close code");
      code = ByteBuffer.wrap(payload).getShort() & 0xffff;
      boolean allowed =
          (code >= 1000 && code <= 1003)
              || (code >= 1007 && code <= 1014)
              || (code >= 3000 && code <= 4999);
      check(allowed, "close code " + code);
      checkText(payload, 2);
    }
    return Kind.CLOSE;
  }

  private void data(int opcode, boolean last, long more) throws IOException {
    check(opcode <= BINARY, "opcode " + opcode);
    check(unfinished == (opcode == CONTINUATION), "a frame that does not continue its message");
    if (more > maxBytes - length) {
      throw new BrokenRule(CloseCode.TOO_BIG, "a message is longer than " + maxBytes);
    }
    frames++;
    if (frames > MAX_FRAMES) {
      throw new BrokenRule(CloseCode.POLICY, "a message of too many frames");
    }
    if (opcode != CONTINUATION) {
      text = opcode == TEXT;
    }
    unfinished = !last;
    makeRoom(length + (int) more);
    readMasked(partial, length, (int) more);
    length += (int) more;
  }

  private void makeRoom(int needed) throws BrokenRule {
    if (needed <= partial.length) {
      return;
    }
    // Twice as much each time, so that many small frames are not copied over and over.
    int size = Math.max(needed, Math.min(2 * partial.length, maxBytes));
    try {
      partial = memory.copied(partial, size);
    } catch (ByteBudget.Exhausted full) {
      throw new BrokenRule(CloseCode.TRY_AGAIN_LATER, "no room in memory");
    }
  }

  private Kind complete() throws BrokenRule {
    payload = length == partial.length ? partial : Arrays.copyOf(partial, length);
    partial = NOTHING;
    length = 0;
    frames = 0;
    if (!text) {
      return Kind.BINARY;
    }
    checkText(payload, 0);
    return Kind.TEXT;
  }

  private long sizeOf(int stated) throws IOException {
    if (stated < 126) {
      return stated;
    }
    long size = stated == 126 ? in.readUnsignedShort() : in.readLong();
    // §5.2: the shortest form, and no sign.
    check(size >= 0, "a negative length");
    check(size >= (stated == 126 ? 126 : 0x10000), "a length in too long a form");
    return size;
  }

  /** Reads the masking key and so many bytes. */
  private void readMasked(byte[] into, int from, int count) throws IOException {
    in.readFully(key);
    in.readFully(into, from, count);
    for (int i = 0; i < count; i++) {
      into[from + i] ^= key[i & 3];
    }
  }

  private static void checkText(byte[] bytes, int from) throws BrokenRule {
    try {
      var _ =
          StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(bytes, from, bytes.length - from));
    } catch (CharacterCodingException invalid) {
      throw new BrokenRule(CloseCode.INVALID_TEXT, "a text is not UTF-8");
    }
  }

  private static void check(boolean kept, String rule) throws BrokenRule {
    if (!kept) {
      throw broken(rule);
    }
  }

  private static BrokenRule broken(String rule) {
    return new BrokenRule(CloseCode.PROTOCOL_ERROR, rule);
  }

  /** The client broke a rule of the protocol: the connection ends with this code. */
  public static final class BrokenRule extends IOException {
    private static final long serialVersionUID = 1L;

    private final int code;

    /** The rule is in ASCII. */
    private BrokenRule(int code, String rule) {
      super(rule);
      this.code = code;
    }

    public int code() {
      return code;
    }

    /** No stack trace: clients decide how often it is thrown. */
    @Override
    public Throwable fillInStackTrace() {
      return this;
    }
  }
}
