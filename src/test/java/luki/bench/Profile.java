package luki.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedFrame;
import jdk.jfr.consumer.RecordingFile;
import luki.bench.BenchSetup.Child;
import luki.bench.BenchSetup.Contender;
import luki.bench.Load.Workload;

/**
 * {@code make profile}: processor time and bytes allocated for each request of the bench's POST, by
 * room and by method. A sample counts for the innermost frame that is the gateway's own, so what
 * the JDK does for a method is part of it.
 */
public final class Profile {
  private static final String SETTINGS =
      """
      <?xml version="1.0" encoding="UTF-8"?>
      <configuration version="2.0">
        <event name="jdk.CPUTimeSample">
          <setting name="enabled">true</setting>
          <setting name="throttle">2ms</setting>
          <setting name="stackTrace">true</setting>
        </event>
        <event name="jdk.ObjectAllocationSample">
          <setting name="enabled">true</setting>
          <setting name="throttle">2000/s</setting>
          <setting name="stackTrace">true</setting>
        </event>
      </configuration>
      """;
  private static final String OWN = "luki.";
  private static final String GATEWAY = "luki.gateway.";
  private static final int CONNECTIONS = 64;
  private static final int METHODS = 45;

  private final Path directory;
  private final Map<String, Double> cpuByRoom = new HashMap<>();
  private final Map<String, Double> cpuByMethod = new HashMap<>();
  private final Map<String, Double> cpuByLeaf = new HashMap<>();
  private final Map<String, Double> bytesByRoom = new HashMap<>();
  private final Map<String, Double> bytesByMethod = new HashMap<>();

  private Profile(Path directory) {
    this.directory = directory;
  }

  /** Argument: seconds to record, 10 unless given. */
  public static void main(String[] arguments) throws Exception {
    int code = 1;
    try {
      int seconds = arguments.length == 0 ? 10 : Integer.parseInt(arguments[0]);
      Path directory = Path.of("target/bench").toAbsolutePath();
      Files.createDirectories(directory);
      new Profile(directory).run(Duration.ofSeconds(seconds));
      code = 0;
    } catch (NumberFormatException notSeconds) {
      System.err.println("usage: make profile [SECONDS=10]");
      code = 2;
    } catch (IOException failed) {
      System.err.println("profile: " + failed + "; see target/bench");
    } finally {
      System.exit(code);
    }
  }

  private void run(Duration time) throws Exception {
    Path recording = directory.resolve("profile.jfr");
    Files.deleteIfExists(recording);
    Path settings = Files.writeString(directory.resolve("profile.jfc"), SETTINGS);
    try (BenchSetup setup = new BenchSetup(directory, 1)) {
      Contender gateway = setup.gateway("profile", Map.of());
      Child child = Optional.ofNullable(gateway.child()).orElseThrow();
      Load load = new Load(directory);
      System.err.println("warming up");
      load.run(Workload.POST, setup.key(), gateway.port(), CONNECTIONS, Duration.ofSeconds(20));
      child.jcmd("JFR.start", "name=profile", "settings=" + settings);
      // The first sample of a thread weighs all that it allocated before.
      load.run(Workload.POST, setup.key(), gateway.port(), CONNECTIONS, Duration.ofSeconds(2));
      Instant from = Instant.now();
      System.err.println("recording for " + time.toSeconds() + " s");
      double before = child.cpuSeconds();
      double rate = load.run(Workload.POST, setup.key(), gateway.port(), CONNECTIONS, time);
      double cpu = child.cpuSeconds() - before;
      child.jcmd("JFR.stop", "name=profile", "filename=" + recording);
      double requests = rate * time.toSeconds();
      read(recording, from);
      print(rate, cpu * 1e6 / requests, requests);
    }
  }

  private void read(Path recording, Instant from) throws IOException {
    try (RecordingFile file = new RecordingFile(recording)) {
      while (file.hasMoreEvents()) {
        RecordedEvent event = file.readEvent();
        if (event.getStartTime().isBefore(from)) {
          continue;
        }
        if (event.getEventType().getName().equals("jdk.CPUTimeSample")) {
          double micros = event.getDuration("samplingPeriod").toNanos() / 1e3;
          add(event, micros, cpuByRoom, cpuByMethod);
          cpuByLeaf.merge(innermost(event, _ -> true), micros, Double::sum);
        } else if (event.getEventType().getName().equals("jdk.ObjectAllocationSample")) {
          add(event, (double) event.getLong("weight"), bytesByRoom, bytesByMethod);
        }
      }
    }
  }

  private static void add(
      RecordedEvent event, double amount, Map<String, Double> rooms, Map<String, Double> methods) {
    String method = innermost(event, name -> name.startsWith(OWN));
    rooms.merge(room(method), amount, Double::sum);
    methods.merge(method, amount, Double::sum);
  }

  private static String innermost(RecordedEvent event, Function<String, Boolean> accepted) {
    if (event.getStackTrace() == null) {
      return "(no stack)";
    }
    for (RecordedFrame frame : event.getStackTrace().getFrames()) {
      String type = frame.getMethod().getType().getName();
      if (accepted.apply(type)) {
        return type + "." + frame.getMethod().getName();
      }
    }
    return "(the JDK alone)";
  }

  /** The package without the gateway's prefix, as ADR 1 names it. */
  private static String room(String method) {
    if (!method.startsWith(OWN)) {
      return method;
    }
    String name = method.startsWith(GATEWAY) ? method.substring(GATEWAY.length()) : method;
    int from = name.startsWith(OWN) ? OWN.length() : 0;
    int end = name.indexOf('.', from);
    return name.substring(0, end);
  }

  private void print(double rate, double cpuMicros, double requests) {
    double sampled = cpuByRoom.values().stream().mapToDouble(Double::doubleValue).sum() / requests;
    double bytes = bytesByRoom.values().stream().mapToDouble(Double::doubleValue).sum() / requests;
    System.out.printf(
        Locale.ROOT,
        "%,.0f requests/s; %.1f µs of processor time a request, %.1f of them in Java (the rest is"
            + " the JVM's own: GC, compiler); %,.0f bytes a request%n",
        rate,
        cpuMicros,
        sampled,
        bytes);
    table("room: µs a request", cpuByRoom, requests, "%8.2f", METHODS);
    table("method: µs a request", cpuByMethod, requests, "%8.2f", METHODS);
    table("innermost method: µs a request", cpuByLeaf, requests, "%8.2f", METHODS / 2);
    table("room: bytes a request", bytesByRoom, requests, "%,8.0f", METHODS);
    table("method: bytes a request", bytesByMethod, requests, "%,8.0f", METHODS);
  }

  private static void table(
      String title, Map<String, Double> amounts, double requests, String format, int rows) {
    System.out.println();
    System.out.println(title);
    List<Map.Entry<String, Double>> sorted =
        amounts.entrySet().stream()
            .sorted(Map.Entry.<String, Double>comparingByValue(Comparator.reverseOrder()))
            .limit(rows)
            .toList();
    for (Map.Entry<String, Double> row : sorted) {
      System.out.printf(Locale.ROOT, format + "  %s%n", row.getValue() / requests, row.getKey());
    }
  }
}
