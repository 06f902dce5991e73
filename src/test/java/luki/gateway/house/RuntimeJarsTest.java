package luki.gateway.house;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The list of runtime jars is closed; the reason for each is documented. */
class RuntimeJarsTest {
  private static final Pattern VERSION = Pattern.compile("(.+?)-\\d.*\\.jar");

  private static final Set<String> JARS =
      new TreeSet<>(
          Set.of(
              "itu",
              "jackson-annotations",
              "jackson-core",
              "jackson-databind",
              "jackson-dataformat-yaml",
              "json-schema-validator",
              "jedis",
              "jspecify",
              "nimbus-jose-jwt",
              "opentelemetry-api",
              "opentelemetry-common",
              "opentelemetry-context",
              "opentelemetry-exporter-common",
              "opentelemetry-exporter-otlp",
              "opentelemetry-exporter-otlp-common",
              "opentelemetry-exporter-sender-jdk",
              "opentelemetry-sdk",
              "opentelemetry-sdk-common",
              "opentelemetry-sdk-extension-autoconfigure",
              "opentelemetry-sdk-extension-autoconfigure-spi",
              "opentelemetry-sdk-logs",
              "opentelemetry-sdk-metrics",
              "opentelemetry-sdk-trace",
              "prometheus-metrics-config",
              "prometheus-metrics-core",
              "prometheus-metrics-exporter-common",
              "prometheus-metrics-exporter-httpserver",
              "prometheus-metrics-exposition-formats",
              "prometheus-metrics-exposition-textformats",
              "prometheus-metrics-instrumentation-jvm",
              "prometheus-metrics-model",
              "prometheus-metrics-tracer-common",
              "prometheus-metrics-tracer-initializer",
              "prometheus-metrics-tracer-otel",
              "prometheus-metrics-tracer-otel-agent",
              "redoc",
              "slf4j-api",
              "slf4j-simple",
              "snakeyaml"));

  @Test
  void theRuntimeJarsAreThoseOfTheList() {
    Set<String> found = new TreeSet<>();
    for (String jar : System.getProperty("luki.runtime.classpath").split(File.pathSeparator, -1)) {
      Matcher name = VERSION.matcher(Path.of(jar).getFileName().toString());
      if (name.matches()) {
        found.add(name.group(1));
      }
    }
    assertEquals(JARS, found);
  }

  @Test
  void everyJarHasAReason() throws IOException {
    String reasons = Files.readString(Path.of("src/docs/DEPENDENCIES.md"));
    assertEquals(
        Set.of(),
        new TreeSet<>(JARS.stream().filter(jar -> !reasons.contains("`" + jar + "`")).toList()));
  }

  @Test
  void theTopLevelHasOnlyTheListedFiles() {
    Set<String> allowed =
        Set.of(
            "README.md",
            "pom.xml",
            "src",
            "config",
            "Makefile",
            "Dockerfile",
            "Procfile",
            "env.example",
            "test-fixtures",
            "LICENSE",
            "railway.toml",
            "system.properties",
            "target");
    String[] names = new File(".").list((directory, name) -> !name.startsWith("."));
    assertTrue(allowed.containsAll(Arrays.asList(names)), Arrays.toString(names));
  }
}
