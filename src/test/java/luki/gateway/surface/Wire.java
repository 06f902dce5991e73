package luki.gateway.surface;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;

/** Sends bytes on a connection of its own and reads one reply. */
final class Wire {
  static final int CLOSED = 0;

  private static final int PATIENCE_MILLIS = 5_000;

  private final int port;

  Wire(int port) {
    this.port = port;
  }

  /**
   * A whole reply.
   *
   * @param headers the lines of each name, looked up without case
   * @param rest what came after the head, undecoded
   */
  record Answer(int status, Map<String, List<String>> headers, String body, String rest) {
    List<String> all(String name) {
      return headers.getOrDefault(name, List.of());
    }

    /** The value of a header that stands there once; anything else is not what was meant. */
    String only(String name) {
      List<String> lines = all(name);
      if (lines.size() != 1) {
        throw new AssertionError(name + " stands there " + lines.size() + " times: " + this);
      }
      return lines.getFirst();
    }

    Json json() {
      try {
        return Json.parse(body.getBytes(StandardCharsets.UTF_8));
      } catch (InvalidJson notJson) {
        throw new AssertionError("not JSON: " + this, notJson);
      }
    }

    String code() {
      return json().at("error").at("code").string("");
    }
  }

  Answer send(Ask ask) {
    return send(ask.bytes());
  }

  /** A text block: its line ends become CRLF. */
  Answer send(String text) {
    return send(text.replace("\n", "\r\n").getBytes(StandardCharsets.ISO_8859_1));
  }

  /** The status alone, where the engine may answer by itself; {@link #CLOSED} without a reply. */
  int statusOf(String text) {
    byte[] bytes = text.replace("\n", "\r\n").getBytes(StandardCharsets.ISO_8859_1);
    try (Socket socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port)) {
      socket.setSoTimeout(PATIENCE_MILLIS);
      socket.getOutputStream().write(bytes);
      String head = head(socket.getInputStream());
      return head.isEmpty() ? CLOSED : Integer.parseInt(head.substring(9, 12));
    } catch (SocketTimeoutException silence) {
      throw new AssertionError("neither answered nor closed", silence);
    } catch (IOException reset) {
      return CLOSED;
    }
  }

  Answer send(byte[] bytes) {
    boolean toHead = new String(bytes, 0, 5, StandardCharsets.ISO_8859_1).equals("HEAD ");
    try (Socket socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port)) {
      socket.setSoTimeout(PATIENCE_MILLIS);
      try {
        socket.getOutputStream().write(bytes);
      } catch (IOException refusedEarly) {
        // The reply may be there all the same; where it is not, reading fails.
        return read(socket.getInputStream(), toHead);
      }
      return read(socket.getInputStream(), toHead);
    } catch (IOException failed) {
      throw new AssertionError("no reply: " + failed, failed);
    }
  }

  private static Answer read(InputStream in, boolean toHead) throws IOException {
    String head = head(in);
    List<String> lines = head.lines().toList();
    if (lines.isEmpty()) {
      throw new IOException("closed without a reply");
    }
    Map<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    for (String line : lines.subList(1, lines.size())) {
      int colon = line.indexOf(':');
      headers.merge(
          line.substring(0, colon),
          List.of(line.substring(colon + 1).strip()),
          (a, b) -> Stream.concat(a.stream(), b.stream()).toList());
    }
    List<String> length = headers.getOrDefault("Content-Length", List.of());
    // After a reply to HEAD there must be nothing, and only the end of the connection shows that.
    byte[] rest =
        length.size() == 1 && !toHead
            ? in.readNBytes(Integer.parseInt(length.getFirst()))
            : in.readAllBytes();
    boolean chunked = headers.getOrDefault("Transfer-Encoding", List.of()).contains("chunked");
    byte[] body = chunked ? unchunked(rest) : rest;
    return new Answer(
        Integer.parseInt(lines.getFirst().substring(9, 12)),
        headers,
        new String(body, StandardCharsets.UTF_8),
        new String(rest, StandardCharsets.UTF_8));
  }

  private static String head(InputStream in) throws IOException {
    StringBuilder head = new StringBuilder();
    while (!head.toString().endsWith("\r\n\r\n")) {
      int b = in.read();
      if (b < 0) {
        return head.toString();
      }
      head.append((char) b);
    }
    return head.toString().strip();
  }

  private static byte[] unchunked(byte[] rest) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    int at = 0;
    while (at < rest.length) {
      int end = at;
      while (rest[end] != '\r') {
        end++;
      }
      int size = Integer.parseInt(new String(rest, at, end - at, StandardCharsets.US_ASCII), 16);
      body.write(rest, end + 2, size);
      at = end + 2 + size + 2;
    }
    return body.toByteArray();
  }
}
