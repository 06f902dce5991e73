package luki.websocket;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import luki.http1.ByteBudget;
import luki.websocket.Message.Kind;
import org.jspecify.annotations.Nullable;

/**
 * Reads what a client sends (RFC 6455 §5): frames are unmasked and joined to messages. Room is
 * taken from the budget before a payload is read. For one thread.
 */
public final class MessageReader {
  private static final int CONTINUATION = 0;
  private static final int TEXT = 1;
  private static final int BINARY = 2;
  private static final int CLOSE = 8;
  private static final int PING = 9;
  private static final int PONG = 10;

  private static final int FINAL = 0x80;
  private static final int RESERVED = 0x70;
  private static final int OPCODE = 0x0f;
  private static final int MASKED = 0x80;
  private static final int MAX_CONTROL_BYTES = 125;

  /** Frames without content cost the client next to nothing. */
  private static final int MAX_FRAMES = 1024;

  private static final byte[] NOTHING = {};

  private final InputStream in;
  private final int maxBytes;
  private final ByteBudget.Lease memory;
  private final byte[] key = new byte[4];
  // The message whose last frame has not come yet.
  private boolean unfinished;
  private boolean text;
  private byte[] payload = NOTHING;
  private int length;
  private int frames;

  /**
   * Begins at a frame.
   *
   * @param maxBytes of a message
   */
  public MessageReader(InputStream in, int maxBytes, ByteBudget.Lease memory) {
    this.in = in;
    this.maxBytes = maxBytes;
    this.memory = memory;
  }

  /** Gives the room of the last message back: it is not used any more. */
  public void release() {
    if (!unfinished) {
      memory.clear();
    }
  }

  /**
   * Blocks for the next message or control frame.
   *
   * @throws WebSocketException the client broke a rule
   * @throws EOFException the stream ended without a close frame
   */
  public Message next() throws IOException {
    while (true) {
      int first = octet();
      int second = octet();
      int opcode = first & OPCODE;
      check((first & RESERVED) == 0, "a reserved bit is set");
      check((second & MASKED) != 0, "the frame is not masked");
      long size = sizeOf(second & ~MASKED);
      boolean last = (first & FINAL) != 0;
      Message message = opcode >= CLOSE ? control(opcode, last, size) : data(opcode, last, size);
      if (message != null) {
        return message;
      }
    }
  }

  private Message control(int opcode, boolean last, long size) throws IOException {
    check(last, "a control frame is fragmented");
    check(size <= MAX_CONTROL_BYTES, "a control frame is longer than 125 bytes");
    byte[] bytes = new byte[(int) size];
    readMasked(bytes, 0, bytes.length);
    return switch (opcode) {
      case PING -> Message.of(Kind.PING, bytes);
      case PONG -> Message.of(Kind.PONG, bytes);
      case CLOSE -> close(bytes);
      default -> throw broken("opcode " + opcode);
    };
  }

  private static Message close(byte[] bytes) throws WebSocketException {
    if (bytes.length == 0) {
      return Message.close(Message.NO_CODE);
    }
    check(bytes.length > 1, "half a close code");
    int code = ((bytes[0] & 0xff) << 8) | (bytes[1] & 0xff);
    check(CloseCode.isAllowed(code), "close code " + code);
    checkText(bytes, 2);
    return Message.close(code);
  }

  /** Null while the message is not complete. */
  private @Nullable Message data(int opcode, boolean last, long more) throws IOException {
    check(opcode <= BINARY, "opcode " + opcode);
    check(unfinished == (opcode == CONTINUATION), "a frame that does not continue its message");
    if (more > maxBytes - length) {
      throw new WebSocketException(CloseCode.TOO_BIG, "a message is longer than " + maxBytes);
    }
    frames++;
    if (frames > MAX_FRAMES) {
      throw new WebSocketException(CloseCode.POLICY, "a message of too many frames");
    }
    if (opcode != CONTINUATION) {
      text = opcode == TEXT;
    }
    unfinished = !last;
    makeRoom(length + (int) more);
    readMasked(payload, length, (int) more);
    length += (int) more;
    return last ? complete() : null;
  }

  private void makeRoom(int needed) throws WebSocketException {
    if (needed <= payload.length) {
      return;
    }
    // Twice as much each time, so that many small frames are not copied over and over.
    int size = Math.max(needed, Math.min(2 * payload.length, maxBytes));
    try {
      memory.take(size);
    } catch (ByteBudget.Exhausted full) {
      throw new WebSocketException(CloseCode.TRY_AGAIN_LATER, "no room in memory");
    }
    int before = payload.length;
    payload = Arrays.copyOf(payload, size);
    memory.give(before);
  }

  private Message complete() throws WebSocketException {
    byte[] whole = length == payload.length ? payload : Arrays.copyOf(payload, length);
    payload = NOTHING;
    length = 0;
    frames = 0;
    if (!text) {
      return Message.of(Kind.BINARY, whole);
    }
    checkText(whole, 0);
    return Message.of(Kind.TEXT, whole);
  }

  private long sizeOf(int stated) throws IOException {
    if (stated < 126) {
      return stated;
    }
    int octets = stated == 126 ? 2 : 8;
    long size = 0;
    for (int i = 0; i < octets; i++) {
      size = (size << 8) | octet();
    }
    // §5.2: the shortest form, and no sign.
    check(size >= 0, "a negative length");
    check(size >= (octets == 2 ? 126 : 0x10000), "a length in too long a form");
    return size;
  }

  /** Reads the masking key and so many bytes. */
  private void readMasked(byte[] into, int from, int count) throws IOException {
    readFully(key, 0, key.length);
    readFully(into, from, count);
    for (int i = 0; i < count; i++) {
      into[from + i] ^= key[i & 3];
    }
  }

  private void readFully(byte[] into, int from, int count) throws IOException {
    if (in.readNBytes(into, from, count) < count) {
      throw new EOFException("closed within a frame");
    }
  }

  private int octet() throws IOException {
    int octet = in.read();
    if (octet < 0) {
      throw new EOFException("closed without a close frame");
    }
    return octet;
  }

  private static void checkText(byte[] bytes, int from) throws WebSocketException {
    try {
      var _ =
          StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(bytes, from, bytes.length - from));
    } catch (CharacterCodingException invalid) {
      throw new WebSocketException(CloseCode.INVALID_TEXT, "a text is not UTF-8");
    }
  }

  private static void check(boolean kept, String rule) throws WebSocketException {
    if (!kept) {
      throw broken(rule);
    }
  }

  private static WebSocketException broken(String rule) {
    return new WebSocketException(CloseCode.PROTOCOL_ERROR, rule);
  }
}
