package luki.gateway.audit;

import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import luki.gateway.config.OwnerOnly;
import luki.gateway.observe.Segments;

/**
 * A file of audit records, one JSON object a line, mode 0600. Each record contains the hash of the
 * one before it, so that no change, removal or insertion goes undetected. A file that has reached
 * its size is renamed to {@code NAME.n}, where {@code n} is the number of its last record; the
 * chain continues in the next one. Writers of several processes take turns by a lock on {@code
 * NAME.lock}.
 */
public record AuditFile(Path path, AuditRecord.Context context, long maxBytes) {
  private static final long MAX_BYTES = 16L << 20;
  private static final int TAIL = 8 * 1024;

  public AuditFile(Path path, AuditRecord.Context context) {
    this(path, context, MAX_BYTES);
  }

  /** Where the command line's records go, beside the server's. */
  public static Path ofCommands(Path serverFile) {
    return serverFile.resolveSibling(serverFile.getFileName() + ".cli");
  }

  /**
   * Adds the records; they are on the disk when it returns.
   *
   * @throws IOException they may not all be there
   */
  public void append(List<AuditRecord> records) throws IOException {
    try (FileChannel turns = open(new Segments(path).beside("lock"));
        FileLock _ = turns.lock()) {
      Tail tail = end();
      AuditChain.Link link = tail.link;
      StringBuilder lines = new StringBuilder();
      if (tail.cut > 0) {
        link = link.next(AuditRecord.ofTrail(AuditRecord.Decision.CUT, tail.cut, context));
        lines.append(link.line());
      }
      for (AuditRecord entry : records) {
        link = link.next(entry);
        lines.append(link.line());
      }
      write(tail.end, lines.toString());
    }
  }

  private FileChannel open(Path file) throws IOException {
    return OwnerOnly.open(
        file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }

  /**
   * The end of the file.
   *
   * @param cut bytes after the last line break: a record that a crash has truncated
   * @param link the last record of the chain
   */
  private record Tail(long end, int cut, AuditChain.Link link) {}

  /**
   * The end of the file, which is renamed first if it has reached its size. While it has no record,
   * the chain continues that of the file before.
   */
  private Tail end() throws IOException {
    Tail own = tail(open(path));
    Segments segments = new Segments(path);
    List<Integer> complete = segments.numbers();
    if (own.end == 0 && !complete.isEmpty()) {
      Path before = segments.path(complete.getLast());
      return new Tail(0, own.cut, tail(FileChannel.open(before, StandardOpenOption.READ)).link);
    }
    if (own.end < maxBytes) {
      return own;
    }
    write(own.end, "");
    // Greater than all numbers so far, also where a damaged file made the chain start again.
    int last = complete.isEmpty() ? 0 : complete.getLast();
    int number = Math.max(Math.toIntExact(own.link.number()), last + 1);
    Files.move(path, segments.path(number), StandardCopyOption.ATOMIC_MOVE);
    return new Tail(0, own.cut, own.link);
  }

  private static Tail tail(FileChannel file) throws IOException {
    try (file) {
      long size = file.size();
      file.position(Math.max(0, size - TAIL));
      byte[] bytes = Channels.newInputStream(file).readNBytes(TAIL);
      String text = new String(bytes, StandardCharsets.ISO_8859_1);
      int end = text.lastIndexOf('\n') + 1;
      String whole = text.substring(0, end).stripTrailing();
      String last = whole.substring(whole.lastIndexOf('\n') + 1);
      int cut = text.length() - end;
      // A last line that cannot be read starts a new chain: verification names what is wrong.
      return new Tail(size - cut, cut, AuditChain.Link.of(last).orElse(AuditChain.Link.FIRST));
    }
  }

  private void write(long end, String lines) throws IOException {
    try (FileChannel channel = open(path)) {
      channel.truncate(end).position(end);
      Channels.newOutputStream(channel).write(lines.getBytes(StandardCharsets.UTF_8));
      channel.force(false);
    }
  }
}
