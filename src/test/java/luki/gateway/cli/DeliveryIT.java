package luki.gateway.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.gateway.testing.Processes;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command that platforms start the gateway with, and the signal that stops it. */
class DeliveryIT {
  private static final String PEPPER = "a pepper for this one test, long enough";

  private Jar jar;

  @BeforeEach
  void place(@TempDir Path directory) throws IOException {
    jar = new Jar(directory);
  }

  @AfterEach
  void unlink() throws IOException {
    jar.unlink();
  }

  private static String procfileLine() throws IOException {
    return Files.readString(Path.of("Procfile")).strip().replaceFirst("^web: ", "");
  }

  @Test
  void theProcfileCommandServesAndExitsWithZeroOnSigterm() throws Exception {
    int port = Processes.freePort();
    Map<String, String> environment =
        Map.of(
            "PORT", Integer.toString(port),
            "API_KEY_PEPPER", PEPPER,
            "SERVICE_TOKEN_KEY_PATH", jar.signingKey().toString());
    Process process = jar.shell(environment, procfileLine());
    try {
      Jar.awaitReady(port);
      assertEquals(200, Jar.get(port, "/health").statusCode());
      assertEquals(401, Jar.get(port, "/metrics").statusCode());
      process.destroy();
      assertTrue(process.waitFor(10, TimeUnit.SECONDS));
      assertEquals(0, process.exitValue());
    } finally {
      process.destroyForcibly();
    }
    assertTrue(jar.read("out").contains("\"route\":\"/health\""));
  }

  @Test
  void inProdMissingSecretsPreventStartupAndAreNamed() throws Exception {
    long began = System.nanoTime();
    Process process =
        jar.shell(Map.of("PORT", Integer.toString(Processes.freePort())), procfileLine());
    assertTrue(process.waitFor(20, TimeUnit.SECONDS));
    assertEquals(2, process.exitValue());
    assertTrue(Duration.ofNanos(System.nanoTime() - began).toSeconds() < 10);
    String said = jar.read("err");
    assertTrue(said.contains("API_KEY_PEPPER"), said);
    assertTrue(said.contains("SERVICE_TOKEN_KEY_PATH"), said);
  }

  @Test
  void allPlatformsUseTheSameCommand() throws IOException {
    String line = procfileLine();
    assertTrue(Files.readString(Path.of("railway.toml")).contains("\"" + line + "\""));
    Matcher command =
        Pattern.compile("(?m)^CMD \\[(.*)]$").matcher(Files.readString(Path.of("Dockerfile")));
    assertTrue(command.find());
    assertEquals(line, command.group(1).replace("\", \"", " ").replace("\"", ""));
    assertTrue(Files.readString(Path.of("Dockerfile")).contains("\nUSER 10001"));
    assertEquals("java.runtime.version=25", Files.readString(Path.of("system.properties")).strip());
  }
}
