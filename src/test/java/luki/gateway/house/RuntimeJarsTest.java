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

  private static final Set<String> MIT = Set.of("jedis", "redoc", "slf4j-api", "slf4j-simple");
  private static final Pattern LICENCES = Pattern.compile("(?s)<licenses>(.*?)</licenses>");
  private static final Pattern PARENT = Pattern.compile("(?s)<parent>(.*?)</parent>");

  /** As its POM states it, or the nearest parent that does. The POMs are beside the jars. */
  private static String licenceOf(Path pom) throws IOException {
    String text = Files.readString(pom).replaceAll("(?s)<!--.*?-->", "");
    Matcher licences = LICENCES.matcher(text);
    if (licences.find()) {
      return of("name", licences.group(1));
    }
    Matcher parent = PARENT.matcher(text);
    assertTrue(parent.find(), "no licence: " + pom);
    String group = of("groupId", parent.group(1)).replace('.', '/');
    String name = of("artifactId", parent.group(1));
    String version = of("version", parent.group(1));
    Path repository = pom;
    while (!Files.exists(repository.resolve(group))) {
      repository = repository.getParent();
    }
    return licenceOf(
        repository
            .resolve(group)
            .resolve(name)
            .resolve(version)
            .resolve(name + "-" + version + ".pom"));
  }

  private static String of(String element, String xml) {
    Matcher value = Pattern.compile("<" + element + ">\\s*(.*?)\\s*</").matcher(xml);
    assertTrue(value.find(), element);
    return value.group(1);
  }

  @Test
  void everyJarIsUnderApacheOrMit() throws IOException {
    Set<String> mit = new TreeSet<>();
    for (String jar : System.getProperty("luki.runtime.classpath").split(File.pathSeparator, -1)) {
      Matcher name = VERSION.matcher(Path.of(jar).getFileName().toString());
      assertTrue(name.matches(), jar);
      String licence = licenceOf(Path.of(jar.replaceFirst("\\.jar$", ".pom")));
      if (licence.equals("MIT")) {
        mit.add(name.group(1));
      } else {
        assertTrue(
            licence.matches("(The )?Apache (Software )?License,? Version 2\\.0"), jar + licence);
      }
    }
    assertEquals(MIT, mit);
    String document = Files.readString(Path.of("src/docs/DEPENDENCIES.md"));
    assertTrue(document.contains("but for `jedis`, `redoc`, `slf4j-api` and `slf4j-simple`"));
  }

  @Test
  void everythingComesFromMavenCentralInOneVersion() throws IOException {
    String pom = Files.readString(Path.of("pom.xml"));
    for (String forbidden :
        Set.of("<repositories>", "<pluginRepositories>", "SNAPSHOT", "LATEST", "RELEASE<")) {
      assertTrue(!pom.contains(forbidden), forbidden);
    }
    // [3.8,) and [25,) are of Maven and the JDK, not of what is downloaded.
    Matcher range = Pattern.compile("<version>[\\[(][^<]*").matcher(pom);
    while (range.find()) {
      assertTrue(
          Set.of("<version>[25,)", "<version>[3.8,)").contains(range.group()), range.group());
    }
    assertTrue(pom.contains("<banDynamicVersions/>"));
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
