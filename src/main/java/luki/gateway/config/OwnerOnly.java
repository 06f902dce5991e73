package luki.gateway.config;

import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileOwnerAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Mode 0600, where the file system has modes. */
public final class OwnerOnly {
  /** What the name of a file ends with that is to replace another. */
  public static final String NEXT = ".new";

  static final String ADVICE = "it is readable by others: it should have mode 0600";

  // A file lock belongs to the process: its threads need a lock of their own.
  private static final ReentrantLock THREADS = new ReentrantLock();

  private OwnerOnly() {}

  /** Opens a file; one that this creates has that mode. */
  public static FileChannel open(Path path, OpenOption... how) throws IOException {
    return FileChannel.open(path, Set.of(how), attributes(path, "rw-------"));
  }

  /** Writes a file, created as the option says; it is on the disk when this returns. */
  public static void write(Path file, byte[] content, OpenOption how) throws IOException {
    try (FileChannel out =
        open(file, how, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
      // All of it: a full disk may take a part without an error; the next write then fails.
      Channels.newOutputStream(out).write(content);
      out.force(true);
    }
  }

  /**
   * The same as a whole or not at all, so that a reader never sees half of it. The file keeps its
   * owner, since root may write what a gateway reads.
   */
  public static void replace(Path file, byte[] content) throws IOException {
    Path next = file.resolveSibling(file.getFileName() + NEXT);
    // What somebody else has put there is neither followed nor kept.
    Files.deleteIfExists(next);
    try {
      write(next, content, StandardOpenOption.CREATE_NEW);
      keepOwner(file, next);
      Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(next);
    }
  }

  /** Follows no link: the owner of the directory may put one in the place of either. */
  private static void keepOwner(Path file, Path next) throws IOException {
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    UserPrincipal owner = Files.getOwner(file, LinkOption.NOFOLLOW_LINKS);
    if (!owner.equals(Files.getOwner(next, LinkOption.NOFOLLOW_LINKS))) {
      try {
        Files.getFileAttributeView(next, FileOwnerAttributeView.class, LinkOption.NOFOLLOW_LINKS)
            .setOwner(owner);
      } catch (IOException notRoot) {
        throw new IOException(file + ": only its owner, " + owner + ", or root may replace it");
      }
    }
  }

  /** Reads a file and makes its next text. */
  @FunctionalInterface
  public interface Change<E extends Exception> {
    /** Null: nothing is written. */
    @Nullable String next() throws IOException, E;
  }

  /** Changes a file that several processes change: under its lock, so that writers lose nothing. */
  public static <E extends Exception> void change(Path path, Change<E> change)
      throws IOException, E {
    Path directory = path.toAbsolutePath().getParent();
    if (directory == null) {
      throw new IOException("no directory to write in");
    }
    Files.createDirectories(directory);
    Path lockFile = directory.resolve(path.getFileName() + ".lock");
    THREADS.lock();
    try (FileChannel channel = open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock _ = channel.lock()) {
      String text = change.next();
      if (text != null) {
        replace(path, text.getBytes(StandardCharsets.UTF_8));
      }
    } finally {
      THREADS.unlock();
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
