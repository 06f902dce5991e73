package luki.bench;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;

/** Each connection asks again as soon as it is answered. */
final class ClosedLoop {
  private final byte[] request;
  private final int port;

  ClosedLoop(byte[] request, int port) {
    this.request = request;
    this.port = port;
  }

  /** Requests a second. */
  double run(int connections, Duration time) throws IOException, InterruptedException {
    LongAdder done = new LongAdder();
    AtomicReference<IOException> failed = new AtomicReference<>();
    long end = System.nanoTime() + time.toNanos();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < connections; i++) {
        threads.execute(
            () -> {
              try (Caller caller = new Caller(port)) {
                while (System.nanoTime() - end < 0 && failed.get() == null) {
                  caller.ask(request);
                  done.increment();
                }
              } catch (IOException broken) {
                failed.compareAndSet(null, broken);
              }
            });
      }
    }
    if (failed.get() != null) {
      throw failed.get();
    }
    return done.sum() / (time.toNanos() / 1e9);
  }

  /** One connection that is kept. */
  static final class Caller implements AutoCloseable {
    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;

    Caller(int port) throws IOException {
      this.socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port);
      socket.setTcpNoDelay(true);
      this.in = new BufferedInputStream(socket.getInputStream(), 16 * 1024);
      this.out = socket.getOutputStream();
    }

    Socket socket() {
      return socket;
    }

    /** Sends and reads one whole reply. */
    void ask(byte[] request) throws IOException {
      out.write(request);
      String head = head();
      if (!head.startsWith("HTTP/1.1 2")) {
        throw new IOException("not a success: " + head.lines().findFirst().orElse(""));
      }
      String lower = head.toLowerCase(Locale.ROOT);
      int at = lower.indexOf("content-length: ");
      if (at < 0) {
        throw new IOException("no length: " + head);
      }
      int from = at + "content-length: ".length();
      in.skipNBytes(Long.parseLong(lower.substring(from, lower.indexOf('\r', from))));
    }

    private String head() throws IOException {
      StringBuilder head = new StringBuilder(256);
      int matched = 0;
      while (matched < 4) {
        int b = in.read();
        if (b < 0) {
          throw new IOException("closed: " + head);
        }
        head.append((char) b);
        matched = b == "\r\n\r\n".charAt(matched) ? matched + 1 : b == '\r' ? 1 : 0;
      }
      return new String(
          head.toString().getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.ISO_8859_1);
    }

    @Override
    public void close() {
      try {
        socket.close();
      } catch (IOException gone) {
        // It is over in any case.
      }
    }
  }
}
