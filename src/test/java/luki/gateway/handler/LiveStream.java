package luki.gateway.handler;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import luki.gateway.testing.TestGateway;

/** A chat stream on a bare socket: each line as it comes, and an end whenever the test likes. */
final class LiveStream implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final Socket socket;
  private final InputStream in;
  private final int status;
  private final Map<String, String> headers = new LinkedHashMap<>();
  private int leftOfChunk;
  private boolean ended;

  private LiveStream(Socket socket) throws IOException {
    this.socket = socket;
    this.in = new BufferedInputStream(socket.getInputStream());
    this.status = Integer.parseInt(headLine().split(" ", 3)[1]);
    for (String line = headLine(); !line.isEmpty(); line = headLine()) {
      String[] field = line.split(": ", 2);
      headers.put(field[0].toLowerCase(Locale.ROOT), field[1]);
    }
  }

  /** Says something to the gateway and reads the head of the answer. */
  static LiveStream open(TestGateway gateway, String key) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), gateway.port());
    socket.setSoTimeout((int) PATIENCE.toMillis());
    String body = "{\"user_id\":\"maria_k\",\"message\":\"Hi\"}";
    String head =
        """
        POST /v1/chat/stream HTTP/1.1
        Host: gateway
        Authorization: Bearer %s
        Content-Type: application/json
        Content-Length: %d

        """
            .formatted(key, body.length())
            .replace("\n", "\r\n");
    socket.getOutputStream().write((head + body).getBytes(StandardCharsets.US_ASCII));
    return new LiveStream(socket);
  }

  int status() {
    return status;
  }

  /** A field of the head, "" where it is absent. */
  String header(String name) {
    return headers.getOrDefault(name.toLowerCase(Locale.ROOT), "");
  }

  /** The next line of the body without its end; null once the body has ended as it should. */
  String line() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int b = next(); b >= 0; b = next()) {
      if (b == '\n') {
        return line.toString(StandardCharsets.UTF_8);
      }
      line.write(b);
    }
    return line.size() == 0 ? null : line.toString(StandardCharsets.UTF_8);
  }

  /** The next line that is not blank. */
  String word() throws IOException {
    String line = line();
    while (line != null && line.isEmpty()) {
      line = line();
    }
    return line;
  }

  /** All that is left, to the end of the body. */
  String rest() throws IOException {
    StringBuilder rest = new StringBuilder();
    for (String line = line(); line != null; line = line()) {
      rest.append(line).append('\n');
    }
    return rest.toString();
  }

  private int next() throws IOException {
    if (ended) {
      return -1;
    }
    if (leftOfChunk == 0) {
      leftOfChunk = Integer.parseInt(headLine(), 16);
      if (leftOfChunk == 0) {
        headLine();
        ended = true;
        return -1;
      }
    }
    int b = in.read();
    if (b < 0) {
      throw new IOException("the stream broke off inside a chunk");
    }
    leftOfChunk--;
    if (leftOfChunk == 0) {
      headLine();
    }
    return b;
  }

  private String headLine() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        throw new IOException("closed inside a line: " + line);
      }
      line.append((char) b);
    }
    return line.toString().strip();
  }

  /** Goes away in the middle. */
  void leave() throws IOException {
    socket.close();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
