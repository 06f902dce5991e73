package luki.gateway.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.GatewayProcess;
import luki.gateway.testing.RedisProcess;
import luki.gateway.testing.Waiting;
import luki.http1.PreparedRequest.Origin;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;

/** Names such as Docker Compose gives to its services: with an underscore. */
@Timeout(90)
class HostNamesTest {
  @TempDir Path directory;

  private Settings read(String... variables) throws BadConfiguration {
    Map<String, String> map = new HashMap<>(Map.of("ENVIRONMENT", "dev"));
    for (int i = 0; i < variables.length; i += 2) {
      map.put(variables[i], variables[i + 1]);
    }
    Problems problems = new Problems();
    Environment environment = Environment.of(map, directory.resolve("no.env"), problems);
    Settings settings = SettingsReader.read(environment);
    problems.throwIfAny();
    return settings;
  }

  private void refuses(String... variables) {
    BadConfiguration refused = assertThrows(BadConfiguration.class, () -> read(variables));
    assertEquals(1, refused.problems().size(), refused.problems().toString());
    assertTrue(refused.problems().getFirst().startsWith(variables[0]));
  }

  @Test
  void aServiceMayHaveAnUnderscoreInItsName() throws BadConfiguration {
    Map<String, Origin> origins =
        Map.of(
            "http://memory_service:8002", new Origin(false, "memory_service", 8002),
            "https://memory_service", new Origin(true, "memory_service", 443),
            "http://_a.b_c.internal:1/", new Origin(false, "_a.b_c.internal", 1),
            "http://[::1]:8002", new Origin(false, "[::1]", 8002));
    for (Map.Entry<String, Origin> one : origins.entrySet()) {
      URI url = read("MEMORY_URL", one.getKey()).urls().get(Upstream.MEMORY);
      assertEquals(one.getValue(), Origin.of(url));
    }
  }

  @Test
  void whatIsNoHostIsAProblemStill() {
    for (String host :
        List.of(
            "memory_service:65536",
            "memory_service:0",
            "memory_service:80:80",
            "memory_service:x",
            "u:p@memory_service",
            "-_a",
            "a_%62",
            "memory_s\u00e9rvice",
            "a_b,c",
            "")) {
      refuses("MEMORY_URL", "http://" + host);
      refuses("JWT_JWKS_URL", "http://" + host + "/jwks");
    }
    refuses("MEMORY_URL", "http://memory_service", "HTTP_CLIENT", "jdk");
    refuses("REDIS_URL", "redis://rate_limits:x");
  }

  @Test
  void redisMayHaveAnUnderscoreInItsNameAndAPassword() throws BadConfiguration {
    String url = "redis://u:p%40ss_@rate_limits:6380/2";
    assertEquals(List.of(URI.create(url)), read("REDIS_URL", url).redis().addresses());
  }

  @Test
  void servicesAndRedisAreReachedByNamesWithAnUnderscore() throws IOException {
    Path hosts = directory.resolve("hosts");
    Files.writeString(hosts, "127.0.0.1 localhost life_story rate_limits\n");
    try (RawUpstream service = RawUpstream.answering(RawUpstream.EMPTY_OBJECT);
        RedisProcess redis = RedisProcess.start();
        Jedis admin = redis.client()) {
      admin.configSet("requirepass", "p@ss_");
      Map<String, String> variables =
          Map.of(
              "COG_URL",
              service.url().replace("127.0.0.1", "life_story"),
              "REDIS_URL",
              "redis://:p%40ss_@rate_limits:" + redis.port());
      List<String> flags = List.of("-Djdk.net.hosts.file=" + hosts);
      try (GatewayProcess gateway = GatewayProcess.start(directory, flags, variables)) {
        Json checks =
            Waiting.until(
                Duration.ofSeconds(20),
                () -> gateway.stranger().get("/health").json().at("checks"),
                now -> now.at("cognitive").at("status").string("").equals("up"));
        assertEquals("up", checks.at("redis").at("status").string());
        String called = service.requests().getFirst();
        assertEquals("life_story:" + service.port(), RawUpstream.header(called, "Host"));
      }
    }
  }
}
