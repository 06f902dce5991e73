package luki.gateway.standin;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An accepted connection of a scripted service. */
public final class RawConnection implements AutoCloseable {
  private static final Pattern CONTENT_LENGTH =
      Pattern.compile("^content-length:\\s*(\\d+)", Pattern.CASE_INSENSITIVE | Pattern.MULTILINE);

  private final Socket socket;
  private final InputStream in;
  private final Consumer<String> requests;

  RawConnection(Socket socket, Consumer<String> requests) throws IOException {
    socket.setTcpNoDelay(true);
    this.socket = socket;
    this.in = new BufferedInputStream(socket.getInputStream());
    this.requests = requests;
  }

  /**
   * Head and body, the body by its Content-Length.
   *
   * @throws EOFException when the peer closes before the request is complete
   */
  public String readRequest() throws IOException {
    ByteArrayOutputStream request = new ByteArrayOutputStream();
    int matched = 0;
    while (matched < 4) {
      int b = in.read();
      if (b < 0) {
        throw new EOFException("closed after %d bytes of a request".formatted(request.size()));
      }
      request.write(b);
      matched = b == "\r\n\r\n".charAt(matched) ? matched + 1 : b == '\r' ? 1 : 0;
    }
    Matcher length = CONTENT_LENGTH.matcher(request.toString(StandardCharsets.ISO_8859_1));
    if (length.find()) {
      int wanted = Integer.parseInt(length.group(1));
      byte[] body = in.readNBytes(wanted);
      if (body.length < wanted) {
        throw new EOFException("closed after %d bytes of a body".formatted(body.length));
      }
      request.writeBytes(body);
    }
    String text = request.toString(StandardCharsets.UTF_8);
    requests.accept(text);
    return text;
  }

  /** One network write. */
  public void send(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
  }

  public void send(String text) throws IOException {
    send(text.getBytes(StandardCharsets.UTF_8));
  }

  /** A complete JSON reply. */
  public void reply(String status, String json) throws IOException {
    int length = json.getBytes(StandardCharsets.UTF_8).length;
    String type = "HTTP/1.1 %s\r\nContent-Type: application/json\r\n".formatted(status);
    send(type + "Content-Length: " + length + "\r\n\r\n" + json);
  }

  /** Sends byte by byte with a pause after each, until the peer closes. */
  public void drip(String text, Duration pause) throws IOException {
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      send(new byte[] {b});
      if (peerClosed(pause)) {
        return;
      }
    }
  }

  /** Ends the connection with an RST. */
  public void reset() throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  /** Ends the connection with a FIN; unread bytes of the peer turn it into an RST. */
  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Sends nothing and discards input until the peer closes or resets. */
  public void stallUntilClosed() {
    try {
      socket.setSoTimeout(0);
      in.transferTo(OutputStream.nullOutputStream());
    } catch (IOException e) {
      // A reset ends the connection too.
      return;
    }
  }

  /** Whether the peer closes or resets within this time; its input is discarded. */
  public boolean peerClosed(Duration within) throws IOException {
    long deadline = System.nanoTime() + within.toNanos();
    long leftMillis = Math.max(1, within.toMillis());
    try {
      while (leftMillis > 0) {
        socket.setSoTimeout((int) leftMillis);
        if (in.read() < 0) {
          return true;
        }
        leftMillis = (deadline - System.nanoTime()) / 1_000_000;
      }
      return false;
    } catch (SocketTimeoutException e) {
      return false;
    } catch (IOException e) {
      return true;
    } finally {
      if (!socket.isClosed()) {
        socket.setSoTimeout(0);
      }
    }
  }
}
