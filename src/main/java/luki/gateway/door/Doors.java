package luki.gateway.door;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;
import luki.gateway.config.Problems;
import luki.gateway.config.Settings;
import luki.gateway.config.Variable;
import org.jspecify.annotations.Nullable;

/** The doors that are switched on, each with a class loader for its jar and its libraries. */
public final class Doors implements AutoCloseable {
  // Their loaders are not closed: threads of a library may still need a class while they end.
  private final Map<String, Door> opened = new TreeMap<>();

  /** Opens them; a missing or unusable jar is a problem of the variable that asks for it. */
  public Doors(Door.Host host, Problems problems) {
    Settings.Doors wanted = host.settings().doors();
    if (wanted.graphql()) {
      open("graphql", Variable.GRAPHQL_ENABLED, host, problems);
    }
    if (wanted.grpcPort() != null) {
      open("grpc", Variable.GRPC_PORT, host, problems);
    }
  }

  private void open(String name, Variable by, Door.Host host, Problems problems) {
    Path jar = directory(host.settings().doors().directory()).resolve("luki-" + name + ".jar");
    if (!Files.isReadable(jar)) {
      problems.add(by.name(), "needs " + jar + ", which `make ext` builds");
      return;
    }
    try {
      URL[] jars = {jar.toUri().toURL()};
      ServiceLoader.load(
              Door.Provider.class, new URLClassLoader(name, jars, Doors.class.getClassLoader()))
          .findFirst()
          .ifPresentOrElse(
              found -> opened.put(name, found.open(host)),
              () -> problems.add(by.name(), "finds nothing that can be used in " + jar));
    } catch (MalformedURLException | ServiceConfigurationError | LinkageError other) {
      problems.add(by.name(), "needs " + jar + " of this version: run `make ext` (" + other + ")");
    }
  }

  /** Where the jars are: unless set, {@code ext} beside the jar or the classes of the gateway. */
  private static Path directory(@Nullable Path set) {
    try {
      return set != null
          ? set
          : Path.of(Doors.class.getProtectionDomain().getCodeSource().getLocation().toURI())
              .resolveSibling("ext");
    } catch (URISyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  public boolean isOpen(String name) {
    return opened.containsKey(name);
  }

  public Collection<Door> all() {
    return opened.values();
  }

  @Override
  public void close() throws IOException {
    for (Door each : opened.values()) {
      each.close();
    }
  }
}
