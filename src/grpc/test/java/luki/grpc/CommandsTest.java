package luki.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import luki.gateway.cli.Main;
import luki.gateway.testing.GatewayProcess;
import luki.gateway.testing.Processes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The methods in the commands, and a gateway as its operator starts it. */
class CommandsTest {
  @TempDir Path directory;

  /** What a command printed, to both streams. */
  private String run(Map<String, String> variables, String... arguments)
      throws IOException, InterruptedException {
    Path output = directory.resolve("output");
    ProcessBuilder command =
        new ProcessBuilder(
            Processes.javaCommand(Main.class, List.of("-XX:TieredStopAtLevel=1"), arguments));
    Map<String, String> environment = new HashMap<>(variables);
    environment.putIfAbsent("GRPC_PORT", "50051");
    environment.put("ENVIRONMENT", "dev");
    command.environment().clear();
    command.environment().putAll(environment);
    command.redirectErrorStream(true).redirectOutput(output.toFile());
    int code = command.start().waitFor();
    return code + "\n" + Files.readString(output, StandardCharsets.UTF_8);
  }

  @Test
  void thePolicyHasARowForEachMethod() throws Exception {
    String policy = run(Map.of(), "policy");
    assertTrue(
        policy
            .lines()
            .anyMatch(
                line ->
                    line.startsWith(
                        "| POST | /luki.memory.v1.Memory/BatchSearch | elr:read | body"
                            + " /subject.user_id | elr_memories | memory |")),
        policy);
    assertTrue(
        policy.contains("| POST | /luki.memory.v1.Memory/CountAll | elr:read users:any | – |"));
    assertTrue(policy.contains("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo |"));
  }

  private Map<String, String> changed(String text, String other) throws IOException {
    String file = Files.readString(Path.of("config/gateway.yaml"));
    assertTrue(file.contains(text), text);
    Path changed = directory.resolve("gateway.yaml");
    Files.writeString(changed, file.replace(text, other));
    return Map.of("GATEWAY_CONFIG", changed.toString());
  }

  @Test
  void checkNamesTheLineOfEachProblem() throws Exception {
    String found =
        run(
            changed(
                "Memory/CountAll: {downstream: memory, scopes: [elr:read]}",
                "Memory/CountAll: {downstream: memory, scope: [elr:read]}\n"
                    + "    luki.memory.v1.Memory/Other: {downstream: memory, scopes: [elr:read]}"),
            "check");
    assertFalse(found.startsWith("0\n"), found);
    assertTrue(found.contains("scope is not a known key"), found);
    assertTrue(found.contains("scopes must name at least one"), found);
    assertTrue(found.contains("luki.memory.v1.Memory/Other is not in the descriptor set"), found);
    assertTrue(found.contains("gateway.yaml:"), found);
    String metadata = run(changed("    request: []", "    request: [x-user-id]"), "check");
    assertTrue(metadata.contains("no name of a credential"), metadata);
    String urls = run(Map.of("GRPC_URLS", "memory=http://memory:1"), "check");
    assertTrue(urls.contains("GRPC_URLS: must list services"), urls);
    String key = run(Map.of("GRPC_TLS_KEY_PATH", "config/gateway.yaml"), "check");
    assertTrue(key.contains("GRPC_TLS_CERT_PATH: must be set together with"), key);
  }

  @Test
  void aDescriptorSetOfAFileTakesThePlaceOfTheBuiltOne() throws Exception {
    Path set = directory.resolve("other.binpb");
    try (var built = DescriptorSet.class.getResourceAsStream("descriptors.binpb")) {
      Files.write(set, built.readAllBytes());
    }
    assertTrue(
        run(changed("grpc:\n", "grpc:\n  descriptor_set: " + set + "\n"), "policy")
            .startsWith("0\n"));
    Files.writeString(set, "no descriptors");
    String found = run(changed("grpc:\n", "grpc:\n  descriptor_set: " + set + "\n"), "check");
    assertTrue(found.contains("must be a readable FileDescriptorSet"), found);
  }

  @Test
  void everyJarOfTheDoorHasAReason() throws IOException {
    String reasons = Files.readString(Path.of("src/docs/DEPENDENCIES.md"));
    try (Stream<Path> jars = Files.list(Path.of("target/ext/grpc"))) {
      List<String> names =
          jars.map(jar -> jar.getFileName().toString().replaceFirst("-\\d.*", "")).toList();
      assertTrue(names.contains("grpc-netty-shaded"), names.toString());
      assertEquals(
          List.of(), names.stream().filter(name -> !reasons.contains("`" + name + "`")).toList());
    }
  }

  @Test
  void aProcessServesWithoutWarningsOfTheVmAndDrains() throws Exception {
    int port = Processes.freePort();
    try (GatewayProcess process =
        GatewayProcess.start(directory, List.of(), Map.of("GRPC_PORT", Integer.toString(port)))) {
      var channel =
          io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder.forAddress("127.0.0.1", port)
              .usePlaintext()
              .build();
      try {
        assertEquals(
            io.grpc.health.v1.HealthCheckResponse.ServingStatus.SERVING,
            io.grpc.health.v1.HealthGrpc.newBlockingStub(channel)
                .check(io.grpc.health.v1.HealthCheckRequest.getDefaultInstance())
                .getStatus());
      } finally {
        channel.shutdownNow();
      }
      var _ = process.terminate();
      assertFalse(process.err().contains("WARNING"), process.err());
      assertEquals(0, process.process().exitValue());
    }
  }
}
