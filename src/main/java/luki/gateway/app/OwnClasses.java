package luki.gateway.app;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import luki.gateway.observe.Diagnostics;

/**
 * Loads every class of the gateway before the first request.
 *
 * <p>HotSpot compiles a call through an interface as if the one implementation that is loaded were
 * the only one, and throws that code away when a second is loaded. A virtual thread that was
 * waiting inside such code and goes on by an exception still runs it (JDK 25.0.3, not on platform
 * threads): its request ended in an {@code IncompatibleClassChangeError}, a reply 500. Classes that
 * are there from the start change nothing later.
 */
final class OwnClasses {
  private static final String PACKAGE = "luki";
  private static final String CLASS = ".class";

  private OwnClasses() {}

  /**
   * Takes 120 to 160 ms, and little with the ahead-of-time cache. A failure is logged.
   *
   * @return how many there are
   */
  static int load() {
    int loaded = 0;
    try {
      for (String name : names()) {
        Class<?> _ = Class.forName(name, false, OwnClasses.class.getClassLoader());
        loaded++;
      }
    } catch (IOException | URISyntaxException | ClassNotFoundException failed) {
      new Diagnostics("gateway")
          .warn("not every class is loaded at start", Diagnostics.Field.of("error", failed));
    }
    return loaded;
  }

  private static List<String> names() throws IOException, URISyntaxException {
    Path place =
        Path.of(OwnClasses.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    if (Files.isDirectory(place)) {
      try (Stream<Path> files = Files.walk(place.resolve(PACKAGE))) {
        return names(files.map(file -> place.relativize(file).toString()));
      }
    }
    try (JarFile jar = new JarFile(place.toFile())) {
      return names(jar.stream().map(ZipEntry::getName));
    }
  }

  private static List<String> names(Stream<String> files) {
    return files
        .filter(file -> file.startsWith(PACKAGE + "/") && file.endsWith(CLASS))
        .filter(file -> !file.endsWith("package-info" + CLASS))
        .map(file -> file.substring(0, file.length() - CLASS.length()).replace('/', '.'))
        .toList();
  }
}
