package luki.gateway.websocket;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.RawHttpClient;

/** A WebSocket on a raw socket: it sends exact frames and reads those of the server. */
final class Frames implements AutoCloseable {
  private static final byte[] KEY = {0x37, (byte) 0xfa, 0x21, 0x3d};

  private final RawHttpClient client;

  /** What the server sent: an opcode with its payload. */
  static final class Frame {
    private final int opcode;
    private final byte[] payload;

    Frame(int opcode, byte[] payload) {
      this.opcode = opcode;
      this.payload = payload;
    }

    int opcode() {
      return opcode;
    }

    byte[] payload() {
      return payload;
    }

    /** The code of a close frame. */
    int code() {
      return ((payload[0] & 0xff) << 8) | (payload[1] & 0xff);
    }

    String text() {
      return new String(payload, StandardCharsets.UTF_8);
    }
  }

  private Frames(RawHttpClient client) {
    this.client = client;
  }

  static String request(int port, String key, String more) {
    return "GET /v1/chat/ws HTTP/1.1\r\nHost: 127.0.0.1:"
        + port
        + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer "
        + key
        + "\r\n"
        + more
        + "\r\n";
  }

  /** The head of the reply to a handshake. */
  static HttpReply handshake(int port, String key, String more) throws IOException {
    try (RawHttpClient client = new RawHttpClient(port)) {
      client.send(request(port, key, more));
      return client.readHead();
    }
  }

  static Frames open(int port, String key) throws IOException {
    RawHttpClient client = new RawHttpClient(port);
    client.send(request(port, key, ""));
    if (client.readHead().status() != 101) {
      throw new AssertionError("no handshake");
    }
    return new Frames(client);
  }

  void send(byte[] bytes) {
    client.sendAsFarAsTaken(bytes);
  }

  /** The next frame; null at the end of the connection. */
  Frame next() throws IOException {
    byte[] head = client.read(2);
    if (head.length < 2) {
      return null;
    }
    int length = head[1];
    if (length >= 126) {
      length = Integer.parseInt(HexFormat.of().formatHex(client.read(length == 126 ? 2 : 8)), 16);
    }
    return new Frame(head[0] & 0x0f, client.read(length));
  }

  /** A masked frame with the shortest length; the first byte is FIN, RSV and opcode. */
  static byte[] frame(int first, byte[] payload) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(first);
    if (payload.length < 126) {
      out.write(0x80 | payload.length);
    } else {
      out.write(0x80 | 126);
      out.write(payload.length >> 8);
      out.write(payload.length);
    }
    out.writeBytes(KEY);
    for (int i = 0; i < payload.length; i++) {
      out.write(payload[i] ^ KEY[i & 3]);
    }
    return out.toByteArray();
  }

  static byte[] frame(int first, String text) {
    return frame(first, text.getBytes(StandardCharsets.UTF_8));
  }

  static byte[] joined(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  @Override
  public void close() throws IOException {
    client.close();
  }
}
