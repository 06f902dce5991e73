package luki.gateway.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The image and what the platforms build: checked without a container engine. */
class DeliveryTest {
  private static final Path DOCKERFILE = Path.of("Dockerfile");

  /** Files that development, tests and operators leave in a checkout. */
  private static final List<String> SECRETS =
      List.of(
          ".env",
          ".env.prod",
          "src/.env",
          "src/main/resources/luki/signing.pem",
          "src/main/java/luki/tls.key",
          "service-token.pem",
          "config/api-keys.json",
          "config/api-keys.json.lock",
          "config/dev-token-key.json",
          "config/deploy/secrets/gateway.env",
          "config/deploy/secrets/metrics-key",
          "target/demo-key",
          "keystore.p12",
          "src/main/x.jks");

  private static Dockerfile dockerfile() throws IOException {
    return Dockerfile.parse(Files.readString(DOCKERFILE));
  }

  @Test
  void theDockerfileKeepsTheRules() throws IOException {
    assertEquals(List.of(), dockerfile().problems());
    assertEquals(3, dockerfile().lastStage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "USER 10001:10001 | USER root | USER must be",
        "USER 10001:10001 | USER 0:0 | USER must be",
        "HEALTHCHECK | LABEL a=b # | without a shell",
        "CMD [\"java\", \"@ | CMD java \"@ | without a shell",
        "COPY src src | COPY . . | copies everything",
        "COPY src src | ADD src src | ADD",
        "FROM ${BUILD_IMAGE} AS build | FROM maven AS build | no ARG",
        "maven:3.9-eclipse-temurin-25 | maven:latest | without a tag",
        "maven:3.9-eclipse-temurin-25 | maven | without a tag",
        "EXPOSE 8081 | RUN true | needs a shell",
        "EXPOSE 8081 | ENV API_KEY_PEPPER=a | a secret",
        "COPY --from=build /app/root/ / | COPY --chown=10001 --from=build /app/root/ / | user owns",
        "RUN jlink | RUN apt-get install x; jlink | not reproducible"
      })
  void eachRuleFindsItsViolation(String text, String changed, String rule) throws IOException {
    String before = Files.readString(DOCKERFILE);
    assertTrue(before.contains(text), text);
    List<String> problems = Dockerfile.parse(before.replace(text, changed)).problems();
    assertTrue(problems.stream().anyMatch(problem -> problem.contains(rule)), problems.toString());
  }

  private static List<String> files() throws IOException {
    List<String> files = new ArrayList<>(SECRETS);
    Files.walkFileTree(
        Path.of(""),
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
            return Set.of("target", ".git").contains(directory.toString())
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            files.add(file.toString());
            return FileVisitResult.CONTINUE;
          }
        });
    return files;
  }

  /** The files that the COPY lines take from the checkout, as far as .dockerignore shows them. */
  private static Set<String> copied() throws IOException {
    IgnoreFile ignored = IgnoreFile.docker(Path.of(".dockerignore"));
    Set<String> copied = new TreeSet<>();
    for (Dockerfile.Instruction copy : dockerfile().of("COPY").toList()) {
      if (copy.text().startsWith("--from")) {
        continue;
      }
      List<String> words = copy.words();
      for (String source : words.subList(0, words.size() - 1)) {
        long before = copied.size();
        files().stream()
            .filter(file -> Path.of(file).startsWith(source) && !ignored.keepsOut(file))
            .forEach(copied::add);
        assertTrue(
            copied.size() > before || copied.stream().anyMatch(file -> file.startsWith(source)),
            "nothing to copy: " + source);
      }
    }
    return copied;
  }

  @Test
  void noSecretGetsIntoALayer() throws IOException {
    List<String> unexpected =
        copied().stream()
            .filter(
                file ->
                    SECRETS.contains(file)
                        || !file.matches(
                            "pom\\.xml|src/(main|dev)/.*|config/(gateway\\.yaml|openapi\\.yaml|jvm\\.options)"
                                + "|src/test/java/luki/gateway/standin/.*\\.java"))
            .toList();
    assertEquals(List.of(), unexpected);
  }

  /** Railway builds the same Dockerfile from what it is sent. */
  @Test
  void railwayGetsWhatTheImageIsMadeOfAndNoSecret() throws IOException {
    IgnoreFile railway = IgnoreFile.git(Path.of(".railwayignore"));
    assertEquals(List.of(), SECRETS.stream().filter(file -> !railway.keepsOut(file)).toList());
    assertEquals(List.of(), copied().stream().filter(railway::keepsOut).toList());
  }

  /** The commit has none of them either. */
  @Test
  void gitIgnoresTheSecretsOfACheckout() throws IOException {
    IgnoreFile git = IgnoreFile.git(Path.of(".gitignore"));
    assertEquals(List.of(), SECRETS.stream().filter(file -> !git.keepsOut(file)).toList());
  }

  @Test
  void theImageTakesNothingButTheFilesOfTheBuildStage() throws IOException {
    List<String> copies = dockerfile().inImage("COPY");
    assertEquals(List.of("--from=build /app/root/ /"), copies);
    assertEquals(List.of("/app"), dockerfile().inImage("WORKDIR"));
    String all = dockerfile().of("RUN").map(Dockerfile.Instruction::text).toList().toString();
    assertTrue(all.contains("chmod -R a+rX,go-w"), "nothing may be writable for the user");
  }

  @Test
  void theImageSaysWhatIsInIt() throws IOException {
    String labels = dockerfile().inImage("LABEL").toString();
    for (String name : List.of("title", "licenses", "version", "revision")) {
      assertTrue(labels.contains("org.opencontainers.image." + name), name);
    }
    assertTrue(labels.contains("luki.sbom=\"/app/target/bom.json\""), labels);
    assertEquals(List.of("SIGTERM"), dockerfile().inImage("STOPSIGNAL"));
    assertEquals(List.of("8081"), dockerfile().inImage("EXPOSE"));
  }

  /**
   * Without one of them the gateway fails at run time only, on the path that needs it. Not needed:
   * java.desktop, where the annotations for beans are that Jackson and SnakeYAML look for.
   */
  @Test
  void theRuntimeOfTheImageHasTheModulesThatTheJarsUse() throws IOException {
    String classpath = System.getProperty("luki.runtime.classpath");
    List<String> arguments =
        new ArrayList<>(List.of("--multi-release", "25", "--ignore-missing-deps"));
    arguments.addAll(List.of("--print-module-deps", "target/classes"));
    arguments.addAll(List.of(classpath.split(File.pathSeparator, -1)));
    StringWriter out = new StringWriter();
    int code =
        ToolProvider.findFirst("jdeps")
            .orElseThrow()
            .run(new PrintWriter(out), new PrintWriter(out), arguments.toArray(String[]::new));
    assertEquals(0, code, out.toString());
    String used = out.toString().lines().toList().getLast();
    assertTrue(used.startsWith("java.base,"), used);
    Set<String> needed = new TreeSet<>(Arrays.asList(used.split(",", -1)));
    needed.removeAll(Set.of("java.base", "java.desktop"));
    String jlink =
        dockerfile()
            .of("RUN")
            .map(Dockerfile.Instruction::text)
            .filter(text -> text.startsWith("jlink"))
            .findFirst()
            .orElseThrow();
    Set<String> linked =
        new TreeSet<>(Arrays.asList(jlink.replaceFirst(".*--add-modules ", "").split(",", -1)));
    assertEquals(needed, linked);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Dockerfile", "config/deploy/compose.yaml"})
  void theHealthCheckIsTheJarsOwn(String file) throws IOException {
    String text = Files.readString(Path.of(file));
    assertTrue(text.contains("health"), file);
    assertFalse(text.contains("curl --") || text.contains("wget"), file);
  }

  /** Heroku's buildpack runs Maven: what the Procfile starts must come from `mvn package`. */
  @Test
  void thePlatformsBuildWhatTheyStart() throws IOException {
    assertEquals("java.runtime.version=25", Files.readString(Path.of("system.properties")).strip());
    String pom = Files.readString(Path.of("pom.xml"));
    assertTrue(pom.contains("<maven.compiler.release>25</maven.compiler.release>"));
    String procfile = Files.readString(Path.of("Procfile"));
    assertTrue(procfile.startsWith("web: java @config/jvm.options -jar target/"), procfile);
    String railway = Files.readString(Path.of("railway.toml"));
    for (String line :
        List.of(
            "builder = \"DOCKERFILE\"", "healthcheckPath = \"/readyz\"", "drainingSeconds = 30")) {
      assertTrue(railway.contains(line), line);
    }
  }

  @Test
  void theFlagsOfTheJvmAreThose() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("config/jvm.options"))) {
      assertEquals(
          Set.of(
              "-XX:+UseCompactObjectHeaders",
              "-XX:+ExitOnOutOfMemoryError",
              "-XX:MaxRAMPercentage=70"),
          new TreeSet<>(lines.filter(line -> line.startsWith("-")).toList()));
    }
  }
}
