package luki.gateway.delivery;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import luki.gateway.config.OwnerOnly;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.FailureLog;
import luki.gateway.observe.QueuedWriter;
import luki.gateway.observe.Segments;
import org.jspecify.annotations.Nullable;

/**
 * An append-only file of lines, rotated by size. A line is taken at once and written within a few
 * milliseconds; a batch of lines is forced to the disk together. A crash of the process loses only
 * what was not written by then, a crash of the machine what was not forced.
 *
 * <p>A log of states, of which only the last of each thing counts, is made anew when it is long: a
 * new file begins with what counts now, and the older files are deleted.
 *
 * <p>While the disk is too slow callers wait, since nothing may be lost; while it fails, what does
 * not fit into the queue is dropped and counted.
 */
public final class Outbox implements AutoCloseable {
  private static final Diagnostics LOG = new Diagnostics("outbox");
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final QueuedWriter.Limits QUEUE =
      new QueuedWriter.Limits(
          65_536, 2048, Duration.ofMillis(20), Duration.ofMillis(200), Duration.ofSeconds(5));

  private final Segments segments;
  private final long segmentBytes;
  private final FileChannel lockFile;
  private final FileLock lock;
  private final @Nullable Supplier<List<byte[]>> live;
  private final QueuedWriter<Line> writer;
  private FileChannel out;
  private int number;
  private boolean torn;
  private volatile boolean compacting;

  /** A line, and what waits for it to be on the disk. */
  private static final class Line {
    private final byte[] bytes;
    private final @Nullable CompletableFuture<Void> forced;

    Line(byte[] bytes, @Nullable CompletableFuture<Void> forced) {
      this.bytes = bytes;
      this.forced = forced;
    }

    void written() {
      if (forced != null) {
        forced.complete(null);
      }
    }
  }

  /**
   * Opens it for appending; a line that a crash left unfinished is ended first.
   *
   * @param segmentBytes after which another file is begun
   * @throws IOException it cannot be written, or another process writes it
   */
  Outbox(Path name, long segmentBytes) throws IOException {
    this(name, segmentBytes, null);
  }

  /**
   * The same for a log of states.
   *
   * @param live the lines that count now, at least all whose append has returned; null to keep all
   */
  public Outbox(Path name, long segmentBytes, @Nullable Supplier<List<byte[]>> live)
      throws IOException {
    this.segments = new Segments(name);
    this.segmentBytes = segmentBytes;
    this.live = live;
    this.lockFile =
        OwnerOnly.open(
            segments.beside("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock own = lockFile.tryLock();
    if (own == null) {
      lockFile.close();
      throw new IOException("another process writes " + name);
    }
    this.lock = own;
    List<Integer> numbers = segments.numbers();
    this.number = numbers.isEmpty() ? 1 : numbers.getLast();
    this.out = open(number);
    FailureLog failures =
        new FailureLog("outbox", "the outbox cannot be written", "the outbox can be written again");
    this.writer = new QueuedWriter<>("outbox", QUEUE, failures, this::write);
  }

  private FileChannel open(int segment) throws IOException {
    FileChannel file =
        OwnerOnly.open(
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

  public Segments segments() {
    return segments;
  }

  /** Takes a line, which ends with its line break. */
  void append(byte[] line) {
    writer.add(new Line(line, null), PATIENCE);
  }

  /** The same; what it returns is done once the line is on the disk, and never if it is lost. */
  public CompletableFuture<Void> appendDurably(byte[] line) {
    CompletableFuture<Void> forced = new CompletableFuture<>();
    writer.add(new Line(line, forced), PATIENCE);
    return forced;
  }

  /** Makes a log of states anew with the next line. */
  public void compact() {
    compacting = true;
  }

  /** The number of lines that were dropped. */
  long lost() {
    return writer.dropped();
  }

  private void write(List<Line> lines) throws IOException {
    List<byte[]> all = new ArrayList<>();
    boolean anew = false;
    if (live != null && (compacting || out.position() >= segmentBytes)) {
      anew = true;
      compacting = false;
      all.addAll(live.get());
    }
    lines.forEach(line -> all.add(line.bytes));
    long before = -1;
    try {
      before = out.position();
      if (anew || before >= segmentBytes) {
        FileChannel next = open(number + 1);
        out.close();
        out = next;
        number++;
        before = out.position();
      }
      if (torn) {
        out.write(ByteBuffer.wrap(new byte[] {'\n'}));
        torn = false;
      }
      ByteBuffer batch = ByteBuffer.allocate(all.stream().mapToInt(line -> line.length).sum());
      all.forEach(batch::put);
      batch.flip();
      while (batch.hasRemaining()) {
        out.write(batch);
      }
      out.force(false);
    } catch (IOException failure) {
      if (anew) {
        compacting = true;
      }
      takeBack(before);
      throw failure;
    }
    if (anew) {
      deleteOlder();
    }
    lines.forEach(Line::written);
  }

  private void deleteOlder() {
    try {
      for (int older : segments.numbers()) {
        if (older < number) {
          Files.delete(segments.path(older));
        }
      }
    } catch (IOException undeletable) {
      // They are read before this one, so they change nothing; they go with the next.
      LOG.warn("a file of the outbox cannot be deleted", Diagnostics.Field.reason(undeletable));
    }
  }

  /** A batch is written whole or not at all, since it is written again. */
  private void takeBack(long to) {
    try {
      if (to >= 0) {
        out.truncate(to);
        out.position(to);
      }
    } catch (IOException stillFailing) {
      // Lines may then be there twice, with the same ids; the next one begins a new line.
      torn = true;
    }
  }

  /** Writes what is left. */
  @Override
  public void close() {
    writer.close();
    try {
      out.close();
      lock.release();
      lockFile.close();
    } catch (IOException gone) {
      // The process ends: there is no better way to release them.
    }
  }
}
