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
  // The current file was begun, and nothing is in it yet.
  private boolean fresh;
  private long rotateAt;

  /** What a line of a log of states says of its thing. */
  public enum Change {
    STATE,
    REMOVAL,
    /** A removal with which all earlier states of the thing leave the disk. */
    ERASURE
  }

  /** A line, and what waits for it to be on the disk. */
  private static final class Line {
    private final byte[] bytes;
    private final Change change;
    private final @Nullable CompletableFuture<Void> forced;

    Line(byte[] bytes, Change change, @Nullable CompletableFuture<Void> forced) {
      this.bytes = bytes;
      this.change = change;
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
   * @param live the lines that count now, with those of all changes that were taken; null to keep
   *     all
   */
  public Outbox(Path name, long segmentBytes, @Nullable Supplier<List<byte[]>> live)
      throws IOException {
    this.segments = new Segments(name);
    this.segmentBytes = segmentBytes;
    this.rotateAt = segmentBytes;
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
    writer.add(new Line(line, Change.STATE, null), PATIENCE);
  }

  /**
   * The same without waiting; what it returns is done once the line is on the disk, never if it is
   * lost, and has failed already where there is no room for it.
   */
  public CompletableFuture<Void> appendDurably(byte[] line, Change change) {
    CompletableFuture<Void> forced = new CompletableFuture<>();
    return writer.offer(new Line(line, change, forced))
        ? forced
        : CompletableFuture.failedFuture(new IOException("the queue is full"));
  }

  /** The number of lines that were dropped. */
  long lost() {
    return writer.dropped();
  }

  private void write(List<Line> lines) throws IOException {
    boolean rotate = fresh || out.position() >= rotateAt || erases(lines);
    List<byte[]> all = rotate && live != null ? anew(lines, live) : bytes(lines);
    long before = -1;
    try {
      if (rotate && !fresh) {
        begin(number + 1);
      }
      before = out.position();
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
      takeBack(before);
      throw failure;
    }
    fresh = false;
    if (rotate && live != null) {
      // Else a long log would be made anew with each change.
      rotateAt = Math.max(segmentBytes, 2 * out.position());
      deleteOlder();
    }
    lines.forEach(Line::written);
  }

  private boolean erases(List<Line> lines) {
    return live != null && lines.stream().anyMatch(line -> line.change == Change.ERASURE);
  }

  private static List<byte[]> bytes(List<Line> lines) {
    return lines.stream().map(line -> line.bytes).toList();
  }

  /** The removals among the lines, in case the older files stay; what the others say is live. */
  private static List<byte[]> anew(List<Line> lines, Supplier<List<byte[]>> live) {
    List<byte[]> all = new ArrayList<>();
    lines.stream().filter(line -> line.change != Change.STATE).forEach(line -> all.add(line.bytes));
    all.addAll(live.get());
    return all;
  }

  private void begin(int next) throws IOException {
    FileChannel before = out;
    out = open(next);
    number = next;
    // Should writing fail, then the next try goes on with this file.
    fresh = true;
    before.close();
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
      fresh = false;
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
