package luki.bench;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.gateway.testing.ChatStream;
import luki.gateway.testing.RawHttpClient;

/**
 * Readers of many streams, in a process of their own: what they cost is not the gateway's. Beside
 * them there may be WebSockets, some of which have a chat. Says {@code open} once all are open and
 * each stream has had an event, then how many came after it and how late. If it is to open more
 * streams after that, it says with which statuses these were answered, and, once the gateway has
 * closed all connections, how they ended.
 */
public final class StreamReaders {
  private static final String HANDSHAKE =
      RawHttpClient.crlf(
          """
          GET /v1/chat/ws HTTP/1.1
          Host: bench
          Authorization: Bearer %s
          Upgrade: websocket
          Connection: Upgrade
          Sec-WebSocket-Version: 13
          Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==

          """);
  private static final String CHAT =
      "{\"type\":\"chat\",\"id\":\"1\",\"user_id\":\"maria_k\",\"message\":\"Hi\"}";
  private static final Pattern TOKEN = Pattern.compile("\"token\":\"(\\d+)\"");
  private static final Duration OPENING = Duration.ofSeconds(60);
  private static final int OPENED_A_SECOND = 500;
  private static final int OVERLOADED = 503;
  private static final int TEXT = 1;
  private static final int CLOSE = 8;
  private static final int PING = 9;
  private static final int PONG = 10;
  private static final Duration RETRY_AFTER = Duration.ofSeconds(1);

  private final int port;
  private final String key;
  private final CountDownLatch opened;
  private final ConcurrentLinkedQueue<Long> late = new ConcurrentLinkedQueue<>();
  private final AtomicInteger refusals = new AtomicInteger();
  private final Map<String, AtomicInteger> ends = new ConcurrentSkipListMap<>();
  private volatile boolean counting;
  private volatile boolean stopped;

  private StreamReaders(int port, String key, int count) {
    this.port = port;
    this.key = key;
    this.opened = new CountDownLatch(count);
  }

  /**
   * Arguments: the gateway's port, an API key, how many streams, for how many seconds; then how
   * many WebSockets, and how many of them chat; then how many more streams are asked for.
   */
  public static void main(String[] arguments) throws InterruptedException {
    int[] numbers = new int[7];
    for (int i = 0; i < arguments.length; i++) {
      numbers[i] = i == 1 ? 0 : Integer.parseInt(arguments[i]);
    }
    int count = numbers[2] + numbers[4];
    new StreamReaders(numbers[0], arguments[1], count)
        .run(count, numbers[4], numbers[5], numbers[6], Duration.ofSeconds(numbers[3]));
  }

  private void run(int count, int sockets, int chats, int more, Duration time)
      throws InterruptedException {
    List<Thread> readers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      boolean chat = i < chats;
      readers.add(Thread.ofVirtual().start(i < sockets ? () -> readSocket(chat) : this::read));
      // Spread over the second, as the events then are.
      Thread.sleep(Duration.ofNanos(1_000_000_000L / OPENED_A_SECOND));
    }
    if (!opened.await(OPENING.toSeconds(), TimeUnit.SECONDS)) {
      System.out.println("failed: " + opened.getCount() + " of " + count + " never had an event");
      System.exit(1);
    }
    System.out.println("open");
    counting = true;
    Thread.sleep(time);
    counting = false;
    if (more == 0) {
      stopped = true;
      join(readers);
    }
    List<Long> sorted = new ArrayList<>(late);
    Collections.sort(sorted);
    System.out.printf(
        "%d events, p50 %.1f ms, p99 %.1f ms late; %d times refused as OVERLOADED while opening%n",
        sorted.size(), at(sorted, 0.5), at(sorted, 0.99), refusals.get());
    if (more > 0) {
      System.out.println(ask(more));
      join(readers);
      System.out.println(ends);
    }
  }

  private static void join(List<Thread> readers) throws InterruptedException {
    for (Thread reader : readers) {
      reader.join();
    }
  }

  /** How many of so many more streams got each status. */
  private Map<Integer, Integer> ask(int more) {
    Map<Integer, Integer> statuses = new TreeMap<>();
    List<RawHttpClient> held = new ArrayList<>();
    try {
      for (int i = 0; i < more; i++) {
        RawHttpClient client = new RawHttpClient(port);
        held.add(client);
        statuses.merge(ChatStream.open(client, key).status(), 1, Integer::sum);
      }
      for (RawHttpClient client : held) {
        client.close();
      }
    } catch (IOException broken) {
      statuses.merge(0, 1, Integer::sum);
    }
    return statuses;
  }

  private void ended(String how) {
    ends.computeIfAbsent(how, _ -> new AtomicInteger()).incrementAndGet();
  }

  private static double at(List<Long> sorted, double part) {
    return sorted.isEmpty() ? 0 : sorted.get((int) (sorted.size() * part)) / 1e6;
  }

  /** Reads a stream; while the gateway is overloaded, asks again when it says so. */
  private void read() {
    boolean isRefused = true;
    while (isRefused && !stopped) {
      try (RawHttpClient client = new RawHttpClient(port);
          ChatStream stream = ChatStream.open(client, key)) {
        isRefused = stream.status() == OVERLOADED;
        if (isRefused) {
          waitAfterRefusal();
        } else {
          readEvents(stream);
        }
      } catch (IOException broken) {
        ended("broken");
        return;
      }
    }
  }

  private void readEvents(ChatStream stream) throws IOException {
    boolean first = true;
    String last = "";
    for (String line = stream.line(); line != null && !stopped; line = stream.line()) {
      if (came(line) && first) {
        opened.countDown();
        first = false;
      }
      last = line.isEmpty() ? last : line;
    }
    ended(last.contains("\"DRAINING\"") ? "streams ended with DRAINING" : "other ends of streams");
  }

  /** For what {@code Retry-After} says of an overload. */
  private void waitAfterRefusal() {
    refusals.incrementAndGet();
    try {
      Thread.sleep(RETRY_AFTER);
    } catch (InterruptedException ended) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether it is an event, which is counted. */
  private boolean came(String line) {
    Matcher token = TOKEN.matcher(line);
    if (!token.find()) {
      return false;
    }
    if (counting) {
      // The clock is the machine's: the agent's process reads the same.
      late.add(System.nanoTime() - Long.parseLong(token.group(1)));
    }
    return true;
  }

  private void readSocket(boolean chat) {
    boolean isRefused = true;
    while (isRefused && !stopped) {
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
        DataInputStream in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
        OutputStream out = socket.getOutputStream();
        out.write(HANDSHAKE.formatted(key).getBytes(StandardCharsets.US_ASCII));
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
          head.append((char) in.readUnsignedByte());
        }
        isRefused = head.indexOf(" " + OVERLOADED + " ") > 0;
        if (isRefused) {
          waitAfterRefusal();
        } else {
          readMessages(in, out, chat);
        }
      } catch (IOException broken) {
        ended("broken");
        return;
      }
    }
  }

  private void readMessages(DataInputStream in, OutputStream out, boolean chat) throws IOException {
    if (chat) {
      out.write(frame(TEXT, CHAT.getBytes(StandardCharsets.US_ASCII)));
    } else {
      opened.countDown();
    }
    boolean first = chat;
    while (!stopped) {
      int opcode = in.readUnsignedByte() & 0xf;
      int length = in.readUnsignedByte();
      byte[] payload = in.readNBytes(length == 126 ? in.readUnsignedShort() : length);
      if (opcode == PING) {
        out.write(frame(PONG, payload));
      }
      if (opcode == CLOSE) {
        int code = ((payload[0] & 0xff) << 8) | (payload[1] & 0xff);
        ended("WebSockets closed with " + code);
        return;
      }
      String text = opcode == TEXT ? new String(payload, StandardCharsets.UTF_8) : "";
      if (text.contains("\"OVERLOADED\"")) {
        waitAfterRefusal();
        out.write(frame(TEXT, CHAT.getBytes(StandardCharsets.US_ASCII)));
      } else if (came(text) && first) {
        opened.countDown();
        first = false;
      }
    }
  }

  /** A whole message in one frame, with a mask of zeros. */
  private static byte[] frame(int opcode, byte[] bytes) {
    byte[] frame = new byte[6 + bytes.length];
    frame[0] = (byte) (0x80 | opcode);
    frame[1] = (byte) (0x80 | bytes.length);
    System.arraycopy(bytes, 0, frame, 6, bytes.length);
    return frame;
  }
}
