package luki.gateway.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import luki.gateway.contract.PublishedReplies.Undeclared.Kind;
import luki.gateway.http.Body;
import luki.gateway.json.Json;
import luki.gateway.testing.GatewayProcess;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.Waiting;
import luki.http1.Fields;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Replies that the contract does not declare: what is one, and that dev warns of it. */
@Timeout(60)
class UndeclaredRepliesTest {
  private static final String DOCUMENT =
      """
      {"components":{},"paths":{"/a":{"get":{"responses":{
        "200":{"headers":{"RateLimit":{}},"content":{"application/json":{"schema":{"type":"object",
          "required":["a"],"additionalProperties":false,"properties":{"a":{"type":"integer"}}}}}},
        "204":{},
        "default":{"content":{"application/json":{"schema":{"type":"object"},
          "examples":{"one":{"value":{"error":{"code":"INTERNAL"}}}}}}}}}}}}""";

  @TempDir Path directory;

  private static PublishedReplies.Undeclared found(
      String method, int status, Fields headers, String body) throws Exception {
    Json document = Json.parse(DOCUMENT.getBytes(StandardCharsets.UTF_8));
    return new PublishedReplies(document)
        .in(method, "/a", status, headers, Body.of(body.getBytes(StandardCharsets.UTF_8)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "200|application/json; charset=utf-8|{\"a\":1}|",
        "204|application/json|''|",
        "500|application/json|{\"error\":{\"code\":\"INTERNAL\"}}|",
        "201|application/json|{\"a\":1}|STATUS",
        "200|text/html|{\"a\":1}|MEDIA_TYPE",
        "200|application/json|{\"a\":\"1\"}|BODY",
        "200|application/json|{\"a\":1,\"b\":1}|BODY",
        "200|application/json|{\"a\":1|BODY",
        "503|application/json|{\"error\":{\"code\":\"OVERLOADED\"}}|ERROR_CODE",
      })
  void eachPartOfAReplyIsCompared(int status, String type, String body, Kind kind)
      throws Exception {
    PublishedReplies.Undeclared found = found("GET", status, Fields.of("Content-Type", type), body);
    assertEquals(kind, found == null ? null : found.kind());
  }

  @Test
  void aHeaderIsDeclaredByTheReplyOrByHttp() throws Exception {
    Fields fields = Fields.of("Content-Type", "application/json", "Date", "now", "ratelimit", "1");
    assertNull(found("GET", 200, fields, "{\"a\":1}"));
    assertNull(found("HEAD", 200, fields, ""));
    assertNull(found("GET", 200, fields.with("Content-Encoding", "gzip"), "compressed"));
    Fields more = fields.with("X-Served-By", "cognitive-7");
    assertEquals(
        new PublishedReplies.Undeclared(Kind.HEADER, "X-Served-By"),
        found("GET", 200, more, "{\"a\":1}"));
  }

  @Test
  void devWarnsOnceOfEachOperationAndPart() throws Exception {
    String contract = Files.readString(Path.of("config/openapi.yaml"));
    String schema = "schema: {$ref: '#/components/schemas/Health'}";
    assertTrue(contract.contains(schema));
    Path other = directory.resolve("openapi.yaml");
    Files.writeString(other, contract.replace(schema, "schema: {type: array}"));
    Map<String, String> variables = Map.of("OPENAPI_FILE", other.toString());
    try (GatewayProcess gateway = GatewayProcess.start(directory, List.of(), variables)) {
      for (int i = 0; i < 3; i++) {
        HttpReply _ = gateway.stranger().get("/health");
        gateway.stranger().get("/healthz").expect(200);
      }
      String line = "contract - a reply is not as the contract declares it";
      Waiting.until(Duration.ofSeconds(10), gateway::err, text -> text.contains(line));
      List<String> said = gateway.err().lines().filter(text -> text.contains(line)).toList();
      assertEquals(1, said.size(), said.toString());
      assertTrue(
          said.getFirst().contains("operation=getHealth part=BODY status="), said.toString());
    }
  }
}
