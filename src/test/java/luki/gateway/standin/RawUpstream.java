package luki.gateway.standin;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** A service that follows a script on raw sockets, mostly to misbehave. */
public final class RawUpstream implements AutoCloseable {
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

  private RawUpstream(ServerSocket listener, Script script) {
    this.listener = listener;
    this.script = script;
  }

  public static RawUpstream start(Script script) {
    try {
      ServerSocket listener = new ServerSocket(0, BACKLOG, InetAddress.ofLiteral("127.0.0.1"));
      RawUpstream downstream = new RawUpstream(listener, script);
      downstream.workers.execute(downstream::accept);
      return downstream;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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
    } catch (IOException e) {
      // The peer closed or reset the connection, as many scripts provoke.
      open.remove(socket);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
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
}
