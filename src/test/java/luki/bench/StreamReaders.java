package luki.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.gateway.testing.ChatStream;
import luki.gateway.testing.RawHttpClient;

/**
 * Readers of many streams, in a process of their own: what they cost is not the gateway's. Says
 * {@code open} once all of them have had an event, then how many came after it and how late.
 */
public final class StreamReaders {
  private static final Pattern TOKEN = Pattern.compile("\"token\":\"(\\d+)\"");
  private static final Duration OPENING = Duration.ofSeconds(60);
  private static final int OPENED_A_SECOND = 500;

  private final int port;
  private final String key;
  private final CountDownLatch opened;
  private final ConcurrentLinkedQueue<Long> late = new ConcurrentLinkedQueue<>();
  private volatile boolean counting;
  private volatile boolean stopped;

  private StreamReaders(int port, String key, int count) {
    this.port = port;
    this.key = key;
    this.opened = new CountDownLatch(count);
  }

  /** Arguments: the gateway's port, an API key, how many streams, for how many seconds. */
  public static void main(String[] arguments) throws InterruptedException {
    int count = Integer.parseInt(arguments[2]);
    new StreamReaders(Integer.parseInt(arguments[0]), arguments[1], count)
        .run(count, Duration.ofSeconds(Integer.parseInt(arguments[3])));
  }

  private void run(int count, Duration time) throws InterruptedException {
    List<Thread> readers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      readers.add(Thread.ofVirtual().start(this::read));
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
    stopped = true;
    for (Thread reader : readers) {
      reader.join();
    }
    List<Long> sorted = new ArrayList<>(late);
    Collections.sort(sorted);
    System.out.printf(
        "%d events, p50 %.1f ms, p99 %.1f ms late%n",
        sorted.size(), at(sorted, 0.5), at(sorted, 0.99));
  }

  private static double at(List<Long> sorted, double part) {
    return sorted.isEmpty() ? 0 : sorted.get((int) (sorted.size() * part)) / 1e6;
  }

  private void read() {
    try (RawHttpClient client = new RawHttpClient(port);
        ChatStream stream = ChatStream.open(client, key)) {
      boolean first = true;
      for (String line = stream.line(); line != null && !stopped; line = stream.line()) {
        Matcher token = TOKEN.matcher(line);
        if (token.find()) {
          if (counting) {
            // The clock is the machine's: the agent's process reads the same.
            late.add(System.nanoTime() - Long.parseLong(token.group(1)));
          }
          if (first) {
            opened.countDown();
          }
          first = false;
        }
      }
    } catch (IOException broken) {
      // Counted by its absence.
    }
  }
}
