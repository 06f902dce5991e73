package luki.gateway.delivery;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
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
  private static final String POSITION = "position";

  private final Segments segments;
  private @Nullable InputStream in;
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
    Optional<Integer> later = Optional.empty();
    while (true) {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      InputStream from = opened();
      for (int octet = from.read(); octet >= 0; octet = from.read()) {
        if (octet == '\n') {
          offset += line.size() + 1L;
          return line.toByteArray();
        }
        line.write(octet);
      }
      // Unfinished, or nothing: it is read again from its start.
      close();
      int ended = segment;
      if (line.size() > 0) {
        return null;
      } else if (later.isPresent()) {
        segment = later.get();
        offset = 0;
        later = Optional.empty();
      } else {
        // With a later file this one is complete now: its rest is read first.
        later = segments.numbers().stream().filter(other -> other > ended).findFirst();
        if (later.isEmpty()) {
          return null;
        }
      }
    }
  }

  private InputStream opened() throws IOException {
    if (in == null) {
      Path path = segments.path(segment);
      if (!Files.exists(path)) {
        return InputStream.nullInputStream();
      }
      FileChannel file = FileChannel.open(path, StandardOpenOption.READ).position(offset);
      in = new BufferedInputStream(Channels.newInputStream(file));
    }
    return in;
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
  }
}
