package luki.gateway.config;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** Mode 0600, where the file system has modes. */
public final class OwnerOnly {
  static final String ADVICE = "it is readable by others: it should have mode 0600";

  private OwnerOnly() {}

  /** Opens a file; one that this creates has that mode. */
  public static FileChannel open(Path path, OpenOption... how) throws IOException {
    return FileChannel.open(path, Set.of(how), attributes(path));
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
