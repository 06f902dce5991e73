package luki.gateway.standin;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.gateway.testing.Unchecked;
import luki.gateway.testing.Waiting;

/** A service that follows a script on raw sockets, mostly to misbehave. */
public final class RawUpstream implements AutoCloseable {
  /** A reply with an empty object. */
  public static final String EMPTY_OBJECT = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

  private static final Duration BETWEEN_WRITES = Duration.ofMillis(2);
  private static final Duration BEFORE_RESET = Duration.ofMillis(50);
  private static final int BACKLOG = 256;

  private final ServerSocket listener;
  private final Script script;
  private final ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor();
  private final AtomicInteger connections = new AtomicInteger();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final List<Throwable> failures = new CopyOnWriteArrayList<>();
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();

  /** Handles each connection, which is closed when the script returns. */
  @FunctionalInterface
  public interface Script {
    void serve(RawConnection connection) throws Exception;
  }

  /** Handles one request of a connection. */
  @FunctionalInterface
  public interface Handler {
    void handle(RawConnection connection, String request) throws Exception;
  }

  private RawUpstream(ServerSocket listener, Script script) {
    this.listener = listener;
    this.script = script;
  }

  public static RawUpstream start(Script script) {
    ServerSocket listener =
        Unchecked.get(() -> new ServerSocket(0, BACKLOG, InetAddress.ofLiteral("127.0.0.1")));
    RawUpstream downstream = new RawUpstream(listener, script);
    downstream.workers.execute(downstream::accept);
    return downstream;
  }

  /** A service that handles each request of a connection so. */
  public static RawUpstream serving(Handler handler) {
    return start(
        connection -> {
          while (true) {
            handler.handle(connection, connection.readRequest());
          }
        });
  }

  /** A service that answers each request of a connection with the same bytes. */
  public static RawUpstream answering(String reply) {
    return serving((connection, _) -> connection.send(reply));
  }

  /** A service that answers each request with this status and JSON. */
  public static RawUpstream replying(String status, String json) {
    return serving((connection, _) -> connection.reply(status, json));
  }

  /** A service that answers the requests of a connection in turn, then sends nothing more. */
  public static RawUpstream answeringInTurn(String... replies) {
    return start(
        connection -> {
          for (String reply : replies) {
            connection.readRequest();
            connection.send(reply);
          }
          connection.stallUntilClosed();
        });
  }

  /**
   * Answers each request of a connection with chunked coding, every element as one chunk in one
   * network write.
   *
   * @param status code and reason, such as {@code 200 OK}
   * @param close how it ends: {@code eof} with the last chunk, {@code reset} with an RST, {@code
   *     stall} with silence until the peer closes
   */
  public static Script stream(
      String status, String contentType, List<byte[]> chunks, String close) {
    if (!Set.of("eof", "reset", "stall").contains(close)) {
      throw new IllegalArgumentException("eof, reset or stall, not " + close);
    }
    if (chunks.stream().anyMatch(chunk -> chunk.length == 0)) {
      throw new IllegalArgumentException("an empty chunk would end the body");
    }
    String head =
        "HTTP/1.1 %s\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n"
            .formatted(status, contentType);
    return connection -> {
      do {
        connection.readRequest();
        connection.send(head);
        for (byte[] chunk : chunks) {
          connection.send(framed(chunk));
          Thread.sleep(BETWEEN_WRITES);
        }
        end(connection, close);
      } while (close.equals("eof"));
    };
  }

  public int port() {
    return listener.getLocalPort();
  }

  public String url() {
    return "http://127.0.0.1:" + port();
  }

  /** Connections accepted so far. */
  public int connections() {
    return connections.get();
  }

  /** The requests that scripts have read, in order. */
  public List<String> requests() {
    return List.copyOf(requests);
  }

  /** Its requests but those for its health, which a gateway sends by itself. */
  public List<String> calls() {
    return requests.stream().filter(request -> !request.startsWith("GET /health")).toList();
  }

  /** The value of a field in the head of a request; empty where it is absent. */
  public static String header(String request, String name) {
    return request
        .lines()
        .takeWhile(line -> !line.isEmpty())
        .filter(line -> line.regionMatches(true, 0, name + ": ", 0, name.length() + 2))
        .map(line -> line.substring(name.length() + 2))
        .findFirst()
        .orElse("");
  }

  /** Waits until scripts have read so many requests. */
  public void awaitRequests(int count) {
    Waiting.until(Duration.ofSeconds(5), () -> requests.size() >= count);
  }

  /** Waits until every connection so far is closed. */
  public void awaitClosed() {
    Waiting.until(Duration.ofSeconds(5), open::isEmpty);
  }

  /** Exceptions of scripts, except for closed and reset connections. */
  public List<Throwable> failures() {
    return List.copyOf(failures);
  }

  @Override
  public void close() {
    try {
      listener.close();
      for (Socket socket : open) {
        socket.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      workers.shutdownNow();
    }
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = listener.accept();
        connections.incrementAndGet();
        open.add(socket);
        workers.execute(() -> serve(socket));
      }
    } catch (IOException e) {
      if (!listener.isClosed()) {
        failures.add(e);
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      script.serve(new RawConnection(socket, requests::add));
    } catch (IOException | InterruptedException e) {
      // The peer closed or reset the connection, as many scripts provoke, or the test has ended.
    } catch (Exception e) {
      failures.add(e);
    } finally {
      open.remove(socket);
    }
  }

  private static void end(RawConnection connection, String close)
      throws IOException, InterruptedException {
    switch (close) {
      case "eof" -> connection.send("0\r\n\r\n");
      case "reset" -> {
        // An RST discards what the peer has not read yet.
        Thread.sleep(BEFORE_RESET);
        connection.reset();
      }
      default -> connection.stallUntilClosed();
    }
  }

  private static byte[] framed(byte[] chunk) {
    ByteArrayOutputStream framed = new ByteArrayOutputStream();
    framed.writeBytes("%x\r\n".formatted(chunk.length).getBytes(StandardCharsets.US_ASCII));
    framed.writeBytes(chunk);
    framed.writeBytes("\r\n".getBytes(StandardCharsets.US_ASCII));
    return framed.toByteArray();
  }

  /** An accepted connection of a scripted service. */
  public static final class RawConnection implements AutoCloseable {
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
      Unchecked.run(() -> socket.close());
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
}
