package luki.gateway.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The report on vector files counts what the gateway's checks say, and fails where it must. */
class VectorFilesTest {
  private final Forge forge = new Forge();
  private final ByteArrayOutputStream text = new ByteArrayOutputStream();

  @TempDir Path directory;

  private int run() throws IOException {
    try (PrintStream out = new PrintStream(text, true, StandardCharsets.UTF_8)) {
      return new VectorFiles(out).run(List.of(directory.toString()));
    }
  }

  private void write(String name, String json) throws IOException {
    Files.writeString(directory.resolve(name), json);
  }

  private String group(String key, String... tests) {
    return "{\"testGroups\":[{\"type\":\"JsonWebSignature\",\"public\":"
        + key
        + ",\"tests\":["
        + String.join(",", tests)
        + "]}]}";
  }

  private static String test(int id, String jws, String result) {
    return "{\"tcId\":" + id + ",\"jws\":\"" + jws + "\",\"result\":\"" + result + "\"}";
  }

  @Test
  void bothLayoutsAreReadAndCounted() throws IOException {
    String good = forge.sign(Forge.header("ES256"), "foo", "ES256");
    write(
        "a.json",
        group(
            Forge.open(forge.ec),
            test(1, good, "valid"),
            test(2, good + "A", "invalid"),
            test(3, good + ".x", "invalid")));
    write(
        "b.json",
        "{\"key\":"
            + forge.jwks()
            + ",\"cases\":[{\"id\":\"r\",\"jws\":\""
            + forge.good("RS256")
            + "\",\"expect\":\"accept\"}]}");
    assertEquals(0, run(), text.toString(StandardCharsets.UTF_8));
    String report = text.toString(StandardCharsets.UTF_8);
    assertTrue(report.contains("3 vectors: accepted 1 (expected 1), refused 2 (expected 2)"));
    assertTrue(report.contains("1 vectors: accepted 1 (expected 1), refused 0 (expected 0)"));
  }

  @Test
  void aVectorThatShouldBeRefusedAndIsNotFailsAndIsNamed() throws IOException {
    String key = Forge.open(forge.ec);
    write("a.json", group(key, test(7, forge.good("ES256"), "invalid")));
    assertEquals(1, run());
    assertTrue(text.toString(StandardCharsets.UTF_8).contains("ACCEPTED though invalid: 7"));
  }

  @Test
  void whatIsRefusedBeyondTheVectorsIsSaidAndDoesNotFail() throws IOException {
    String oct = "{\"kty\":\"oct\",\"kid\":\"o\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}";
    write("a.json", group(oct, test(1, forge.good("ES256"), "valid")));
    assertEquals(0, run());
    assertTrue(text.toString(StandardCharsets.UTF_8).contains("stricter, no key of a kind"));
  }

  @Test
  void withoutVectorsTheUsageIsShown() throws IOException {
    assertEquals(2, run());
    try (PrintStream out = new PrintStream(text, true, StandardCharsets.UTF_8)) {
      assertEquals(2, new VectorFiles(out).run(List.of()));
    }
    assertTrue(text.toString(StandardCharsets.UTF_8).contains("usage: make vectors DIR="));
  }
}
