package luki.gateway.config;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A file of mode 0600 that several processes change. A change takes a lock and ends with a rename,
 * so that writers lose nothing and a reader never sees half of it.
 */
public record SharedFile(Path path) {
  // A file lock belongs to the process: its threads need a lock of their own.
  private static final ReentrantLock THREADS = new ReentrantLock();

  /** Reads the file and makes its next text. */
  @FunctionalInterface
  public interface Change<E extends Exception> {
    /** Null: nothing is written. */
    @Nullable String next() throws IOException, E;
  }

  /** Changes the file under its lock. */
  public <E extends Exception> void change(Change<E> change) throws IOException, E {
    Path directory = path.toAbsolutePath().getParent();
    if (directory == null) {
      throw new IOException("no directory to write in");
    }
    Files.createDirectories(directory);
    Path lockFile = directory.resolve(path.getFileName() + ".lock");
    THREADS.lock();
    try (FileChannel channel =
            OwnerOnly.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = channel.lock()) {
      if (!lock.isValid()) {
        throw new IOException("the lock was lost");
      }
      String text = change.next();
      if (text != null) {
        write(directory, text);
      }
    } finally {
      THREADS.unlock();
    }
  }

  private void write(Path directory, String text) throws IOException {
    Path next = Files.createTempFile(directory, ".next", ".json", OwnerOnly.attributes(path));
    try {
      try (FileChannel channel = FileChannel.open(next, StandardOpenOption.WRITE)) {
        ByteBuffer bytes = StandardCharsets.UTF_8.encode(text);
        while (bytes.hasRemaining()) {
          // A full disk may take a part without an error; the next write then fails.
          channel.write(bytes);
        }
        channel.force(true);
      }
      Files.move(next, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(next);
    }
  }
}
