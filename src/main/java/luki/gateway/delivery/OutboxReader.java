package luki.gateway.delivery;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import luki.gateway.config.OwnerOnly;
import luki.gateway.observe.Segments;
import org.jspecify.annotations.Nullable;

/** Reads an outbox line by line, from the stored position. */
final class OutboxReader implements AutoCloseable {
  private static final int BUFFER = 16 * 1024;

  private static final String POSITION = "position";

  private final Segments segments;
  private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER).flip();
  private @Nullable FileChannel in;
  private int segment;
  private long offset;
  // Where the line begins that was returned last; where the lines end once there was none.
  private String position;
  private String committed;

  private OutboxReader(Segments segments, int segment, long offset, String committed) {
    this.segments = segments;
    this.segment = segment;
    this.offset = offset;
    this.position = position(segment, offset);
    this.committed = committed;
  }

  private static String position(int segment, long offset) {
    return segment + " " + offset + "\n";
  }

  static OutboxReader atPosition(Segments segments) throws IOException {
    try {
      String[] position = Files.readString(segments.beside(POSITION)).strip().split(" ", -1);
      int number = Integer.parseInt(position[0]);
      long noted = Long.parseLong(position[1]);
      // After a power failure the position may be there and the lines not.
      Path file = segments.path(number);
      long size = Files.exists(file) ? Files.size(file) : 0;
      long offset = Math.clamp(noted, 0, size);
      return new OutboxReader(segments, number, offset, position(number, offset));
    } catch (NoSuchFileException never) {
      return fromStart(segments);
    } catch (NumberFormatException | IndexOutOfBoundsException broken) {
      throw new IOException(segments.beside(POSITION) + " is malformed", broken);
    }
  }

  static OutboxReader fromStart(Segments segments) throws IOException {
    List<Integer> numbers = segments.numbers();
    return new OutboxReader(segments, numbers.isEmpty() ? 1 : numbers.getFirst(), 0, "");
  }

  /** The next whole line without its line break; null while there is none. */
  byte @Nullable [] next() throws IOException {
    position = position(segment, offset);
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    while (true) {
      while (buffer.hasRemaining()) {
        byte octet = buffer.get();
        if (octet == '\n') {
          offset += line.size() + 1L;
          return line.toByteArray();
        }
        line.write(octet);
      }
      if (!fill(line.size())) {
        // Unfinished, or nothing: it is read again from its start.
        buffer.limit(0);
        int before = segment;
        Optional<Integer> later =
            segments.numbers().stream().filter(other -> other > before).findFirst();
        if (line.size() > 0 || later.isEmpty()) {
          return null;
        }
        // There is a later file, so this one is complete now: its rest is read first.
        if (!fill(0)) {
          close();
          segment = later.get();
          offset = 0;
        }
      }
    }
  }

  private boolean fill(int read) throws IOException {
    FileChannel file = in;
    if (file == null) {
      Path path = segments.path(segment);
      if (!Files.exists(path)) {
        return false;
      }
      file = FileChannel.open(path, StandardOpenOption.READ);
      in = file;
    }
    buffer.clear();
    int n = file.read(buffer, offset + read);
    buffer.flip();
    if (n <= 0) {
      buffer.limit(0);
    }
    return n > 0;
  }

  /** Stores how far the delivery has got: to the line that was returned last. */
  void commit() throws IOException {
    if (!position.equals(committed)) {
      OwnerOnly.replace(segments.beside(POSITION), position.getBytes(StandardCharsets.US_ASCII));
      committed = position;
    }
  }

  /** Bytes from here to the end. */
  long left() throws IOException {
    long sum = -offset;
    for (int number : segments.numbers()) {
      if (number >= segment) {
        sum += Files.size(segments.path(number));
      }
    }
    return Math.max(0, sum);
  }

  @Override
  public void close() throws IOException {
    if (in != null) {
      in.close();
      in = null;
    }
    buffer.limit(0);
  }
}
