package luki.gateway.testing;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** An HTTP client on a raw socket: it sends exact bytes and reads what the server sends. */
public final class RawHttpClient implements AutoCloseable {
  /** The status of a connection that was closed without a reply. */
  public static final int CLOSED = 0;

  private static final int PATIENCE_MILLIS = 15_000;

  private final Socket socket;
  private final InputStream in;

  public RawHttpClient(int port) throws IOException {
    this(port, PATIENCE_MILLIS, 0);
  }

  /**
   * @param patienceMillis longest wait for a connection or a byte
   * @param receiveBuffer bytes; 0: the default
   */
  public RawHttpClient(int port, int patienceMillis, int receiveBuffer) throws IOException {
    socket = new Socket();
    if (receiveBuffer > 0) {
      socket.setReceiveBufferSize(receiveBuffer);
    }
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(patienceMillis);
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), patienceMillis);
    in = new BufferedInputStream(socket.getInputStream());
  }

  /** A text block with CRLF as line ends. */
  public static String crlf(String text) {
    return text.replace("\n", "\r\n");
  }

  /** Sends bytes on a new connection and reads until it is closed. */
  public static String readAll(int port, String bytes) throws IOException {
    try (RawHttpClient client = new RawHttpClient(port)) {
      client.send(bytes);
      return client.readToEnd();
    }
  }

  /** Sends one request on a new connection and reads its reply. */
  public static HttpReply exchange(int port, byte[] request) {
    boolean toHead = new String(request, 0, 5, StandardCharsets.ISO_8859_1).equals("HEAD ");
    try (RawHttpClient client = new RawHttpClient(port)) {
      client.sendAsFarAsTaken(request);
      return client.parseReply(toHead);
    } catch (IOException failed) {
      throw new AssertionError("no reply: " + failed, failed);
    }
  }

  /** The status of the reply to one request, or {@link #CLOSED} without a reply. */
  public static int statusOf(int port, String request) {
    try (RawHttpClient client = new RawHttpClient(port)) {
      client.sendAsFarAsTaken(request.getBytes(StandardCharsets.ISO_8859_1));
      return Integer.parseInt(client.readUntil("\r\n\r\n").substring(9, 12));
    } catch (SocketTimeoutException silence) {
      throw new AssertionError("neither answered nor closed", silence);
    } catch (IOException closed) {
      return CLOSED;
    }
  }

  public Socket socket() {
    return socket;
  }

  public void send(String text) throws IOException {
    send(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  public void send(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
  }

  /** Sending may fail when the server closes early; its reply may still have arrived. */
  public void sendAsFarAsTaken(byte[] bytes) {
    try {
      send(bytes);
    } catch (IOException refusedEarly) {
      // Without a reply the next read fails.
    }
  }

  /** Everything until the server closes, followed by {@code (reset)} when it sends an RST. */
  public String readToEnd() throws IOException {
    StringBuilder text = new StringBuilder();
    try {
      for (int b = in.read(); b >= 0; b = in.read()) {
        text.append((char) b);
      }
    } catch (SocketException reset) {
      text.append("(reset)");
    }
    return text.toString();
  }

  /** Everything up to and including this text. */
  public String readUntil(String end) throws IOException {
    StringBuilder text = new StringBuilder();
    while (text.indexOf(end, Math.max(0, text.length() - end.length())) < 0) {
      int b = in.read();
      if (b < 0) {
        throw new EOFException("closed after: " + text);
      }
      text.append((char) b);
    }
    return text.toString();
  }

  /** So many bytes, or fewer when the server closes. */
  public byte[] read(int count) throws IOException {
    return in.readNBytes(count);
  }

  /** One reply with a Content-Length or without a body: the exact head and body. */
  public String readReply() throws IOException {
    String head = readUntil("\r\n\r\n");
    List<String> length = fieldsOf(head).getOrDefault("Content-Length", List.of("0"));
    byte[] body = in.readNBytes(Integer.parseInt(length.getFirst()));
    return head + new String(body, StandardCharsets.ISO_8859_1);
  }

  /** The head of a reply; what follows stays unread. */
  public HttpReply readHead() throws IOException {
    String head = readUntil("\r\n\r\n");
    return new HttpReply(Integer.parseInt(head.substring(9, 12)), fieldsOf(head), "", "");
  }

  /** One whole reply to another method than HEAD. */
  public HttpReply reply() throws IOException {
    return parseReply(false);
  }

  private HttpReply parseReply(boolean toHead) throws IOException {
    String head = readUntil("\r\n\r\n");
    Map<String, List<String>> headers = fieldsOf(head);
    List<String> length = headers.getOrDefault("Content-Length", List.of());
    // A reply to HEAD must have no body, which only the end of the connection shows.
    boolean chunked = headers.getOrDefault("Transfer-Encoding", List.of()).contains("chunked");
    byte[] rest =
        length.size() == 1 && !toHead
            ? in.readNBytes(Integer.parseInt(length.getFirst()))
            : chunked && !toHead ? readChunks() : in.readAllBytes();
    byte[] body = chunked ? unchunked(rest) : rest;
    return new HttpReply(
        Integer.parseInt(head.substring(9, 12)),
        headers,
        new String(body, StandardCharsets.UTF_8),
        new String(rest, StandardCharsets.UTF_8));
  }

  /** The chunks as they are, up to the last one. */
  private byte[] readChunks() throws IOException {
    StringBuilder chunks = new StringBuilder();
    int size = -1;
    while (size != 0) {
      String line = readUntil("\r\n");
      size = Integer.parseInt(line.strip(), 16);
      chunks.append(line).append(new String(read(size + 2), StandardCharsets.ISO_8859_1));
    }
    return chunks.toString().getBytes(StandardCharsets.ISO_8859_1);
  }

  private static Map<String, List<String>> fieldsOf(String head) {
    Map<String, List<String>> fields = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    for (String line : head.strip().lines().skip(1).toList()) {
      int colon = line.indexOf(':');
      fields.merge(
          line.substring(0, colon),
          List.of(line.substring(colon + 1).strip()),
          (a, b) -> Stream.concat(a.stream(), b.stream()).toList());
    }
    return fields;
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

  /** Whether the server closes the connection in time. */
  public boolean isClosed() throws IOException {
    try {
      return in.read() < 0;
    } catch (SocketException reset) {
      return true;
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
