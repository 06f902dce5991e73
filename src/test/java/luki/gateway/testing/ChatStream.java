package luki.gateway.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** A chat stream on a raw socket: the test reads line by line and closes at any time. */
public final class ChatStream implements AutoCloseable {
  private static final String BODY = "{\"user_id\":\"maria_k\",\"message\":\"Hi\"}";

  private final RawHttpClient client;
  private final int status;
  private final Map<String, String> headers = new LinkedHashMap<>();
  private final StringBuilder received = new StringBuilder();
  private boolean ended;

  private ChatStream(RawHttpClient client) throws IOException {
    this.client = client;
    String head = client.readUntil("\r\n\r\n").strip();
    this.status = Integer.parseInt(head.split(" ", 3)[1]);
    for (String line : head.lines().skip(1).toList()) {
      String[] field = line.split(": ", 2);
      headers.put(field[0].toLowerCase(Locale.ROOT), field[1]);
    }
  }

  /** Sends maria_k's message and reads the head of the reply. The fields are lines of the head. */
  public static ChatStream open(TestGateway gateway, String key, String... fields)
      throws IOException {
    return open(new RawHttpClient(gateway.port()), key, fields);
  }

  public static ChatStream open(RawHttpClient client, String key, String... fields)
      throws IOException {
    String head =
        """
        POST /v1/chat/stream HTTP/1.1
        Host: gateway
        Authorization: Bearer %s
        Content-Type: application/json
        Content-Length: %d
        """
            .formatted(key, BODY.length());
    for (String field : fields) {
      head += field + "\n";
    }
    return ask(client, RawHttpClient.crlf(head + "\n") + BODY);
  }

  /** Sends a request as it is and reads the head of the reply. */
  public static ChatStream ask(RawHttpClient client, String request) throws IOException {
    client.send(request);
    return new ChatStream(client);
  }

  public int status() {
    return status;
  }

  /** A field of the head, "" where it is absent. */
  public String header(String name) {
    return headers.getOrDefault(name.toLowerCase(Locale.ROOT), "");
  }

  /** The next line of the body without its line end; null after a complete body. */
  public String line() throws IOException {
    int end = received.indexOf("\n");
    while (end < 0 && !ended) {
      readChunk();
      end = received.indexOf("\n");
    }
    if (ended && received.isEmpty()) {
      return null;
    }
    String line = received.substring(0, end < 0 ? received.length() : end);
    received.delete(0, line.length() + 1);
    return line;
  }

  private void readChunk() throws IOException {
    int size = Integer.parseInt(client.readUntil("\r\n").strip(), 16);
    byte[] chunk = client.read(size);
    if (chunk.length < size) {
      throw new IOException("the stream ended inside a chunk");
    }
    received.append(new String(chunk, StandardCharsets.UTF_8));
    client.readUntil("\r\n");
    ended = size == 0;
  }

  /** The next line that is not blank. */
  public String word() throws IOException {
    String line = line();
    while (line != null && line.isEmpty()) {
      line = line();
    }
    return line;
  }

  /** Reads up to a line with this text; false when the stream ends before. */
  public boolean reaches(String text) throws IOException {
    String line = line();
    while (line != null && !line.contains(text)) {
      line = line();
    }
    return line != null;
  }

  /** The rest of the body. */
  public String rest() throws IOException {
    StringBuilder rest = new StringBuilder();
    for (String line = line(); line != null; line = line()) {
      rest.append(line).append('\n');
    }
    return rest.toString();
  }

  /** Closes the connection before the end of the stream. */
  public void leave() throws IOException {
    client.close();
  }

  @Override
  public void close() throws IOException {
    client.close();
  }
}
