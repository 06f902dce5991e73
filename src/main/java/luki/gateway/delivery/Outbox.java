package luki.gateway.delivery;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import luki.gateway.observe.Diagnostics;
import org.jspecify.annotations.Nullable;

/**
 * An append-only file of lines, rotated by size. A line is taken at once and written within a few
 * milliseconds; a batch of lines is forced to the disk together. A crash of the process loses only
 * what was not written by then; one of the machine what was not forced.
 *
 * <p>When the disk cannot keep up callers wait, since nothing may be lost; when it fails for longer
 * than they can wait, what does not fit is counted.
 */
public final class Outbox implements AutoCloseable {
  private static final Diagnostics LOG = new Diagnostics("outbox");
  private static final int CAPACITY = 65_536;
  private static final int BATCH = 1 << 20;
  private static final Duration PAUSE = Duration.ofMillis(20);
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final Duration LAST_WORDS = Duration.ofSeconds(5);

  private final Segments segments;
  private final long segmentBytes;
  private final Runnable lost;
  private final LinkedBlockingQueue<byte[]> queue = new LinkedBlockingQueue<>(CAPACITY);
  private final FileChannel lockFile;
  private final FileLock lock;
  private final Thread writer;
  private FileChannel out;
  private int number;
  private boolean torn;
  private volatile boolean failing;
  private volatile boolean closing;

  /**
   * Opens it for appending; a line that a crash left unfinished is ended first.
   *
   * @param segmentBytes after which another file is begun
   * @param lost told of each line that could not be kept
   * @throws IOException it cannot be written, or another process writes it
   */
  public Outbox(Path name, long segmentBytes, Runnable lost) throws IOException {
    this.segments = new Segments(name);
    this.segmentBytes = segmentBytes;
    this.lost = lost;
    this.lockFile =
        FileChannel.open(segments.lock(), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock own = lockFile.tryLock();
    if (own == null) {
      lockFile.close();
      throw new IOException("another process writes " + name);
    }
    this.lock = own;
    List<Integer> numbers = segments.numbers();
    this.number = numbers.isEmpty() ? 1 : numbers.getLast();
    this.out = open(number);
    // A platform thread: a slow disk must not hold one of the carriers.
    this.writer = Thread.ofPlatform().daemon().name("outbox").start(this::run);
  }

  private FileChannel open(int segment) throws IOException {
    FileChannel file =
        FileChannel.open(
            segments.path(segment),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    long size = file.size();
    file.position(size);
    if (size > 0) {
      ByteBuffer last = ByteBuffer.allocate(1);
      file.read(last, size - 1);
      if (last.get(0) != '\n') {
        file.write(ByteBuffer.wrap(new byte[] {'\n'}));
      }
    }
    return file;
  }

  Segments segments() {
    return segments;
  }

  /** Takes a line, which ends with its line break. */
  public void append(byte[] line) {
    if (closing) {
      lost.run();
      return;
    }
    try {
      // Waited for is a disk that is slow, not one that fails.
      if (!queue.offer(line)
          && (failing || !queue.offer(line, PATIENCE.toNanos(), TimeUnit.NANOSECONDS))) {
        lost.run();
      }
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
      if (!queue.offer(line)) {
        lost.run();
      }
    }
  }

  private void run() {
    try {
      while (!closing || !queue.isEmpty()) {
        if (!drain()) {
          // The disk fails: what is taken stays, and is tried again.
          Thread.sleep(PAUSE.multipliedBy(10));
        }
        Thread.sleep(PAUSE);
      }
    } catch (InterruptedException closed) {
      boolean _ = drain();
    }
  }

  /** Writes what there is; false when it could not, and then nothing of it is forgotten. */
  private boolean drain() {
    while (!queue.isEmpty()) {
      int count = 0;
      int bytes = 0;
      for (byte[] line : queue) {
        count++;
        bytes += line.length;
        if (bytes >= BATCH) {
          break;
        }
      }
      ByteBuffer batch = ByteBuffer.allocate(bytes);
      int left = count;
      for (byte[] line : queue) {
        if (left-- == 0) {
          break;
        }
        batch.put(line);
      }
      if (!write(batch.flip())) {
        return false;
      }
      for (int i = 0; i < count; i++) {
        byte[] _ = queue.remove();
      }
    }
    return true;
  }

  private boolean write(ByteBuffer batch) {
    long before = -1;
    try {
      before = out.position();
      if (before >= segmentBytes) {
        FileChannel next = open(number + 1);
        out.close();
        out = next;
        number++;
        before = 0;
      }
      if (torn) {
        out.write(ByteBuffer.wrap(new byte[] {'\n'}));
        torn = false;
      }
      while (batch.hasRemaining()) {
        out.write(batch);
      }
      out.force(false);
      tell(false, null);
      return true;
    } catch (IOException failure) {
      tell(true, failure);
      takeBack(before);
      return false;
    }
  }

  /** A batch is written whole or not at all: it is tried again. */
  private void takeBack(long to) {
    try {
      if (to >= 0) {
        out.truncate(to);
        out.position(to);
      }
    } catch (IOException stillFailing) {
      // Lines may then stand there twice, with the same ids; the next one begins anew.
      torn = true;
    }
  }

  private void tell(boolean fails, @Nullable IOException failure) {
    if (fails && !failing && failure != null) {
      LOG.error("the outbox cannot be written", Diagnostics.Field.of("cause", failure));
    } else if (!fails && failing) {
      LOG.info("the outbox is written again");
    }
    failing = fails;
  }

  /** Writes what is left. */
  @Override
  public void close() {
    closing = true;
    try {
      writer.join(LAST_WORDS);
      queue.forEach(_ -> lost.run());
      out.close();
      lock.release();
      lockFile.close();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    } catch (IOException gone) {
      // Nothing can be done about it any more.
    }
  }
}
