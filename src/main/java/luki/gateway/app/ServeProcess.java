package luki.gateway.app;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Proxy;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Security;
import java.time.Duration;
import java.util.List;
import java.util.StringJoiner;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import jdk.management.VirtualThreadSchedulerMXBean;
import luki.gateway.config.ConfigurationCheck.Finding;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.observe.Diagnostics;

/** A process that serves: its system properties, its start, and its end by a signal. */
public final class ServeProcess {
  private static final String READ_POLLERS = "jdk.readPollers";
  private static final String PACKAGE = "luki";
  private static final String CLASS = ".class";
  private static final Duration WARM_UP = Duration.ofSeconds(2);
  private static final Duration TRAINING = Duration.ofSeconds(6);

  private ServeProcess() {}

  /**
   * Serves until SIGTERM or SIGINT; then it drains, and the process ends with exit code 0.
   *
   * @param accessLog must throw when a write fails
   * @param warnings where findings that are not critical go
   * @param ready is called once requests are accepted
   * @throws BadConfiguration also for a critical finding
   */
  public static void serve(
      Configuration configuration,
      OutputStream accessLog,
      PrintStream warnings,
      Consumer<Gateway> ready)
      throws BadConfiguration, IOException, InterruptedException {
    loadClasses();
    outnumberPollers();
    configureClients();
    warn(configuration, warnings);
    Gateway gateway = new Gateway(configuration);
    onHangUp(gateway::reload);
    gateway.accept(accessLog);
    Runtime.getRuntime()
        .addShutdownHook(Thread.ofPlatform().name("shutdown").unstarted(() -> drain(gateway)));
    if (!configuration.settings().dev()) {
      int _ = WarmUp.run(configuration, WARM_UP);
    }
    gateway.ready();
    new Diagnostics("gateway")
        .info(
            configuration.settings().dev() ? "serving in dev" : "serving",
            Diagnostics.Field.of("port", gateway.address().getPort()),
            Diagnostics.Field.of("keys", gateway.keyCount()));
    ready.accept(gateway);
    new CountDownLatch(1).await();
  }

  /** One line a finding; in dev one for all variables that are unset. */
  private static void warn(Configuration configuration, PrintStream warnings)
      throws BadConfiguration, IOException {
    StringJoiner unset = new StringJoiner(", ");
    for (Finding finding : configuration.warnings()) {
      if (configuration.settings().dev() && finding.isOfUnset()) {
        unset.add(finding.where());
      } else {
        warnings.println("warning: " + finding.where() + ": " + finding.sentences());
      }
    }
    if (unset.length() > 0) {
      warnings.println(
          "warning: unset, which suits development only (check explains each): " + unset);
    }
  }

  /**
   * Sends requests of every route through a gateway of its own and ends, so that the JVM can write
   * down what a server needs ({@code -XX:AOTCacheOutput}).
   *
   * @return how many requests were answered as they should be
   */
  public static int train(Configuration configuration) throws InterruptedException {
    loadClasses();
    outnumberPollers();
    configureClients();
    return WarmUp.train(configuration, TRAINING);
  }

  /**
   * Loads every class of the gateway before the first request: 120 to 160 ms, and little with the
   * ahead-of-time cache. A failure is logged.
   *
   * <p>HotSpot compiles a call through an interface as if the one implementation that is loaded
   * were the only one, and throws that code away when a second is loaded. A virtual thread that was
   * waiting inside such code and goes on by an exception still runs it (JDK 25.0.3, not on platform
   * threads): its request ended in an {@code IncompatibleClassChangeError}, a reply 500. Classes
   * that are there from the start change nothing later.
   */
  private static void loadClasses() {
    try {
      for (String name : classes()) {
        Class<?> _ = Class.forName(name, false, ServeProcess.class.getClassLoader());
      }
    } catch (IOException | URISyntaxException | ClassNotFoundException failed) {
      new Diagnostics("gateway")
          .warn("not every class is loaded at start", Diagnostics.Field.of("error", failed));
    }
  }

  private static List<String> classes() throws IOException, URISyntaxException {
    Path place =
        Path.of(ServeProcess.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    if (Files.isDirectory(place)) {
      try (Stream<Path> files = Files.walk(place.resolve(PACKAGE))) {
        return classes(files.map(file -> place.relativize(file).toString()));
      }
    }
    try (JarFile jar = new JarFile(place.toFile())) {
      return classes(jar.stream().map(ZipEntry::getName));
    }
  }

  private static List<String> classes(Stream<String> files) {
    return files
        .filter(file -> file.startsWith(PACKAGE + "/") && file.endsWith(CLASS))
        .filter(file -> !file.endsWith("package-info" + CLASS))
        .map(file -> file.substring(0, file.length() - CLASS.length()).replace('/', '.'))
        .toList();
  }

  /**
   * Sets what applies to every client of this process; to be called before the first is made.
   * Pooled connections are closed before a service would close them, and no client repeats a call.
   */
  public static void configureClients() {
    // wire looks names up every 10 s: with the JDK's cache that stays below half a minute.
    Security.setProperty("networkaddress.cache.ttl", "10");
    System.setProperty("jdk.httpclient.keepalive.timeout", "4");
    System.setProperty("jdk.httpclient.disableRetryConnect", "true");
    System.setProperty("jdk.httpclient.redirects.retrylimit", "1");
  }

  /**
   * Sets how many threads carry the virtual ones, and how many of these look for ready sockets.
   * Must run before the first socket is waited for; what the user has set stays.
   *
   * <p>A carrier takes a task that came from outside (a new connection, a connect that is done, a
   * timeout) only when its own queue is empty, and while it runs a poller that finds ready sockets
   * each time, it never is. As many pollers as carriers, as the JDK has them on 1, 2, 4 …
   * processors, let such tasks wait for seconds under load; one carrier more than pollers takes
   * them at once.
   */
  private static void outnumberPollers() {
    VirtualThreadSchedulerMXBean scheduler =
        ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class);
    if (scheduler.getParallelism() == 1
        && System.getProperty("jdk.virtualThreadScheduler.parallelism") == null) {
      scheduler.setParallelism(2);
    }
    if (System.getProperty(READ_POLLERS) == null) {
      // A power of two, as the JDK demands.
      int pollers = Math.max(1, Integer.highestOneBit(scheduler.getParallelism() - 1));
      System.setProperty(READ_POLLERS, Integer.toString(pollers));
    }
  }

  /**
   * Runs a task at each SIGHUP. By reflection, since the compiler's warning about sun.misc.Signal
   * cannot be suppressed; there is no public API for signals.
   */
  private static void onHangUp(Runnable task) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      Object own =
          Proxy.newProxyInstance(
              ServeProcess.class.getClassLoader(),
              new Class<?>[] {handler},
              (_, _, _) -> {
                task.run();
                return null;
              });
      Object hangUp = signal.getConstructor(String.class).newInstance("HUP");
      signal.getMethod("handle", signal, handler).invoke(null, hangUp, own);
    } catch (ReflectiveOperationException none) {
      new Diagnostics("gateway").info("no SIGHUP here; only a changed file causes a reload");
    }
  }

  /**
   * Ends the process within the grace, whatever hangs. The JVM is already exiting: to halt here
   * makes its exit code 0 and not that of the signal.
   */
  private static void drain(Gateway gateway) {
    try {
      Thread drain = Thread.ofPlatform().daemon().name("drain").start(gateway::drain);
      Runtime.getRuntime().halt(drain.join(gateway.grace()) ? 0 : 1);
    } catch (InterruptedException interrupted) {
      Runtime.getRuntime().halt(1);
    }
  }
}
