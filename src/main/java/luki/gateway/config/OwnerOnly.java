package luki.gateway.config;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** Mode 0600, where the file system has modes. */
public final class OwnerOnly {
  /** What the name of a file ends with that is to replace another. */
  public static final String NEXT = ".new";

  static final String ADVICE = "it is readable by others: it should have mode 0600";

  private OwnerOnly() {}

  /** Opens a file; one that this creates has that mode. */
  public static FileChannel open(Path path, OpenOption... how) throws IOException {
    return FileChannel.open(path, Set.of(how), attributes(path));
  }

  /** Writes a file; it is on the disk when this returns. */
  public static void write(Path file, byte[] content) throws IOException {
    try (FileChannel out =
        open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      ByteBuffer bytes = ByteBuffer.wrap(content);
      while (bytes.hasRemaining()) {
        // A full disk may take a part without an error; the next write then fails.
        out.write(bytes);
      }
      out.force(true);
    }
  }

  /** The same as a whole or not at all, so that a reader never sees half of it. */
  public static void replace(Path file, byte[] content) throws IOException {
    Path next = file.resolveSibling(file.getFileName() + NEXT);
    try {
      write(next, content);
      Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(next);
    }
  }

  /** Forces to the disk which files there are in a directory. */
  public static void force(Path directory) throws IOException {
    try (FileChannel names = FileChannel.open(directory, StandardOpenOption.READ)) {
      names.force(true);
    }
  }

  /**
   * Locks a file, until it is closed.
   *
   * @param what is written under the lock
   * @throws IOException another process has locked it
   */
  public static FileChannel lock(Path file, Path what) throws IOException {
    FileChannel lock = open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    if (lock.tryLock() == null) {
      lock.close();
      throw new IOException("another process writes " + what);
    }
    return lock;
  }

  /** A directory that this creates has mode 0700. */
  public static void directory(Path path) throws IOException {
    Files.createDirectories(path, attributes(path, "rwx------"));
  }

  /** To create a file with. */
  public static FileAttribute<?>[] attributes(Path path) {
    return attributes(path, "rw-------");
  }

  private static FileAttribute<?>[] attributes(Path path, String mode) {
    return isPosix(path)
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode))
        }
        : new FileAttribute<?>[0];
  }

  /** Whether only its owner may read and write the file; a missing file counts as private. */
  public static boolean isPrivate(Path path) throws IOException {
    return !Files.exists(path)
        || !isPosix(path)
        || PosixFilePermissions.toString(Files.getPosixFilePermissions(path)).endsWith("------");
  }

  private static boolean isPosix(Path path) {
    return path.getFileSystem().supportedFileAttributeViews().contains("posix");
  }
}
