package luki.gateway.audit;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import luki.gateway.config.OwnerOnly;

/**
 * A file of audit records, one JSON object a line, mode 0600. Each record contains the hash of the
 * one before it, so that no change, removal or insertion goes undetected. Writers of several
 * processes take turns by a file lock.
 */
public record AuditFile(Path path, AuditRecord.Context context) {
  private static final Set<StandardOpenOption> HOW =
      Set.of(StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
  private static final int TAIL = 8 * 1024;

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
    try (FileChannel channel = FileChannel.open(path, HOW, OwnerOnly.attributes(path));
        FileLock lock = channel.lock()) {
      if (!lock.isValid()) {
        throw new IOException("the lock was lost");
      }
      Tail tail = tail(channel);
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
      write(channel, tail.end, lines.toString());
    }
  }

  /**
   * The end of the file.
   *
   * @param cut bytes after the last line break: a record that a crash has truncated
   */
  private record Tail(long end, int cut, AuditChain.Link link) {}

  private static Tail tail(FileChannel channel) throws IOException {
    long size = channel.size();
    int length = (int) Math.min(size, TAIL);
    ByteBuffer bytes = ByteBuffer.allocate(length);
    while (bytes.hasRemaining() && channel.read(bytes, size - length + bytes.position()) > 0) {
      // A read may give less than was asked for.
    }
    String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.ISO_8859_1);
    int end = text.lastIndexOf('\n') + 1;
    String whole = text.substring(0, end).stripTrailing();
    String last = whole.substring(whole.lastIndexOf('\n') + 1);
    int cut = text.length() - end;
    // A last line that cannot be read starts a new chain: verification names what is wrong.
    return new Tail(size - cut, cut, AuditChain.Link.of(last).orElse(AuditChain.Link.FIRST));
  }

  private static void write(FileChannel channel, long end, String lines) throws IOException {
    channel.truncate(end);
    ByteBuffer bytes = StandardCharsets.UTF_8.encode(lines);
    long at = end;
    while (bytes.hasRemaining()) {
      at += channel.write(bytes, at);
    }
    channel.force(false);
  }
}
