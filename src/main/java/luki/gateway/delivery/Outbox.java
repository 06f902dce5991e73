package luki.gateway.delivery;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import luki.gateway.config.OwnerOnly;
import luki.gateway.observe.FailureLog;
import luki.gateway.observe.QueuedWriter;
import luki.gateway.observe.Segments;

/**
 * An append-only file of lines, rotated by size. A line is taken at once and written within a few
 * milliseconds; a batch of lines is forced to the disk together. A crash of the process loses only
 * what was not written by then, a crash of the machine what was not forced.
 *
 * <p>While the disk is too slow callers wait, since nothing may be lost; while it fails, what does
 * not fit into the queue is dropped and counted.
 */
final class Outbox implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final QueuedWriter.Limits QUEUE =
      new QueuedWriter.Limits(
          65_536, 2048, Duration.ofMillis(20), Duration.ofMillis(200), Duration.ofSeconds(5));

  final Segments segments;
  private final long segmentBytes;
  private final FileChannel lock;
  private final QueuedWriter<byte[]> writer;
  private FileChannel out;
  private int number;
  private boolean torn;

  /**
   * Opens it for appending; a line that a crash left unfinished is ended first.
   *
   * @param segmentBytes after which another file is begun
   * @throws IOException it cannot be written, or another process writes it
   */
  Outbox(Path name, long segmentBytes) throws IOException {
    this.segments = new Segments(name);
    this.segmentBytes = segmentBytes;
    this.lock = OwnerOnly.lock(segments.beside("lock"), name);
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

  /** Takes a line, which ends with its line break. */
  void append(byte[] line) {
    writer.add(line, PATIENCE);
  }

  /** The number of lines that were dropped. */
  long lost() {
    return writer.dropped();
  }

  private void write(List<byte[]> lines) throws IOException {
    if (out.position() >= segmentBytes) {
      FileChannel full = out;
      out = open(number + 1);
      number++;
      full.close();
    }
    long before = out.position();
    try {
      if (torn) {
        out.write(ByteBuffer.wrap(new byte[] {'\n'}));
        torn = false;
      }
      ByteBuffer batch = ByteBuffer.allocate(lines.stream().mapToInt(line -> line.length).sum());
      lines.forEach(batch::put);
      Channels.newOutputStream(out).write(batch.array());
      out.force(false);
    } catch (IOException failure) {
      takeBack(before);
      throw failure;
    }
  }

  /** A batch is written whole or not at all, since it is written again. */
  private void takeBack(long to) {
    try {
      out.truncate(to);
      out.position(to);
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
      lock.close();
    } catch (IOException gone) {
      // The process ends: there is no better way to release them.
    }
  }
}
