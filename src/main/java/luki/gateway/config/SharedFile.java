package luki.gateway.config;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
        FileLock _ = channel.lock()) {
      String text = change.next();
      if (text != null) {
        OwnerOnly.replace(path, text.getBytes(StandardCharsets.UTF_8));
      }
    } finally {
      THREADS.unlock();
    }
  }
}
