package luki.gateway.webhook;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import luki.gateway.config.OwnerOnly;
import luki.gateway.keys.Sealer;
import org.jspecify.annotations.Nullable;

/**
 * The results that wait for their delivery, a file for each. A result is encrypted with a key of
 * its own, which is before it in the file, encrypted with the key of WEBHOOKS_KEY_PATH. To erase it
 * is to overwrite its key and to delete the file: what the disk still has of it cannot be decrypted
 * any more.
 */
record Results(Path directory, Sealer keys, SecureRandom random) {
  private static final int KEY_LENGTH = Sealer.KEY_BYTES + Sealer.OVERHEAD;

  /** Stores it, in place of one that is there; after a crash it is there. */
  void write(String job, byte[] result) throws IOException {
    byte[] key = new byte[Sealer.KEY_BYTES];
    random.nextBytes(key);
    byte[] sealed = new Sealer(key, random).seal(result, job);
    byte[] file = Arrays.copyOf(keys.seal(key, job), KEY_LENGTH + sealed.length);
    System.arraycopy(sealed, 0, file, KEY_LENGTH, sealed.length);
    OwnerOnly.write(directory.resolve(job), file, StandardOpenOption.CREATE);
    OwnerOnly.force(directory);
  }

  /** The result; null where there is none, or where a crash has left a part of it. */
  byte @Nullable [] read(String job) throws IOException {
    try {
      byte[] file = Files.readAllBytes(directory.resolve(job));
      byte[] key = keys.open(Arrays.copyOf(file, KEY_LENGTH), job);
      return new Sealer(key, random)
          .open(Arrays.copyOfRange(file, KEY_LENGTH, Math.max(KEY_LENGTH, file.length)), job);
    } catch (NoSuchFileException | IllegalStateException none) {
      return null;
    }
  }

  /** Its bytes on the disk. */
  long size(String job) {
    return directory.resolve(job).toFile().length();
  }

  void erase(String job) throws IOException {
    Path file = directory.resolve(job);
    try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE)) {
      out.write(ByteBuffer.allocate(KEY_LENGTH), 0);
      out.force(false);
      Files.delete(file);
    } catch (NoSuchFileException erased) {
      // Before.
    }
  }

  /** The jobs that have one. */
  List<String> jobs() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      // The directory may be a volume with other things in it.
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith(Job.PREFIX))
          .toList();
    }
  }
}
