package luki.gateway.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import luki.gateway.testing.GatewayProcess;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** No request is there when a class of the gateway is loaded. */
class OwnClassesTest {
  @TempDir private Path directory;

  @Test
  void requestsOfAllKindsLoadNone() throws Exception {
    Path log = directory.resolve("classes.log");
    List<String> flags = List.of("-Xlog:class+load=info:file=" + log);
    try (GatewayProcess gateway = GatewayProcess.start(directory, flags, Map.of())) {
      List<String> before = own(log);
      assertTrue(before.size() > 500, before.toString());
      gateway.stranger().get("/no/such/route").expect(404);
      gateway.stranger().get("/v1/chat").expect(405);
      gateway.stranger().get("/v1/elr/items/maria_k").expect(401);
      gateway.stranger().get("/v1/elr/items/%00").expect(400);
      gateway.stranger().get("/openapi.json").expect(200);
      gateway.stranger().get("/metrics").expect(200);
      assertEquals(before, own(log));
    }
  }

  /** Those of files; the classes that the JVM makes for lambdas have no file. */
  private static List<String> own(Path log) throws IOException {
    return Files.readAllLines(log).stream()
        .filter(line -> line.contains(" luki.") && line.contains("source: file:"))
        .map(line -> line.replaceAll(".* (luki\\.\\S+) .*", "$1"))
        .toList();
  }
}
