package luki.gateway.keys;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import luki.gateway.config.OwnerOnly;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;

/**
 * The file of API keys, mode 0600. A change takes a lock and ends with a rename, so that writers
 * lose nothing and a reader never sees half of it.
 */
public final class KeyFile {
  // A file lock belongs to the process: its threads need a lock of their own.
  private static final ReentrantLock THREADS = new ReentrantLock();

  private final Path path;

  public KeyFile(Path path) {
    this.path = path;
  }

  /** The content is not a key file. The message contains nothing of it. */
  public static final class Broken extends Exception {
    private static final long serialVersionUID = 1L;

    Broken(String problem) {
      super(problem);
    }
  }

  public Path path() {
    return path;
  }

  /** The keys; none when there is no file. */
  public List<KeyEntry> read() throws IOException, Broken {
    if (!Files.exists(path)) {
      return List.of();
    }
    try {
      // Without the bound on the number of values, which is for callers.
      Json root = Json.parseReply(Files.readAllBytes(path));
      if (root.at("version").integer().orElse(0) != 1 || !root.at("keys").isArray()) {
        throw new Broken("must be {\"version\": 1, \"keys\": […]}");
      }
      List<KeyEntry> keys = new ArrayList<>();
      for (Json key : root.at("keys").items()) {
        keys.add(KeyEntry.of(key));
      }
      return keys;
    } catch (InvalidJson notJson) {
      throw new Broken("must be JSON");
    } catch (IllegalArgumentException malformed) {
      throw new Broken("has a key with a missing or invalid member");
    }
  }

  /**
   * Changes the keys under a lock of the file; nothing is written when the same list comes back.
   */
  public void change(UnaryOperator<List<KeyEntry>> change) throws IOException, Broken {
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
      List<KeyEntry> before = read();
      List<KeyEntry> after = change.apply(before);
      if (!after.equals(before)) {
        write(directory, after);
      }
    } finally {
      THREADS.unlock();
    }
  }

  private void write(Path directory, List<KeyEntry> keys) throws IOException {
    Json root =
        Json.object()
            .put("version", 1)
            .put("keys", Json.array(keys.stream().map(KeyEntry::toJson).toList()))
            .build();
    Path next = Files.createTempFile(directory, ".keys", ".json", OwnerOnly.attributes(path));
    try {
      try (FileChannel channel = FileChannel.open(next, StandardOpenOption.WRITE)) {
        ByteBuffer bytes = StandardCharsets.UTF_8.encode(root.pretty() + "\n");
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
