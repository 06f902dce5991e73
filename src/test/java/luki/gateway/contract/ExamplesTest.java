package luki.gateway.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.json.Json;
import luki.gateway.json.JsonSchema;
import luki.gateway.json.Located;
import org.junit.jupiter.api.Test;

/** The examples of the document are valid by its own schemas. */
class ExamplesTest {
  private final List<String> wrong = new ArrayList<>();
  private int checked;
  private Located document;

  @Test
  void everyExampleIsValidAgainstItsOwnSchema() throws Exception {
    document = Located.read(Path.of("config/openapi.yaml"));
    walk("", document.root());
    assertEquals(List.of(), wrong);
    assertTrue(checked > 50, () -> "only " + checked + " examples were found");
  }

  private void walk(String at, Json value) {
    if (!value.at("schema").isMissing()) {
      examples(at, value);
    }
    value
        .members()
        .forEach(
            (name, member) -> walk(at + "/" + name.replace("~", "~0").replace("/", "~1"), member));
    List<Json> items = value.items();
    for (int i = 0; i < items.size(); i++) {
      walk(at + "/" + i, items.get(i));
    }
  }

  private void examples(String at, Json holder) {
    JsonSchema schema = JsonSchema.compile(holder.at("schema"), document.root().at("components"));
    check(schema, at + "/example", holder.at("example"));
    holder
        .at("examples")
        .members()
        .forEach((name, one) -> check(schema, at + "/examples/" + name, one.at("value")));
  }

  /** An example of an error has the message that the gateway would send. */
  private void message(String at, Json error) {
    String code = error.at("code").string();
    String message = error.at("message").string("");
    if (code != null && !message.endsWith("stopped responding")) {
      String sent = ApiError.of(ErrorCode.valueOf(code)).message();
      if (!message.replaceFirst("^[A-Z][a-z]+ service", "The service").equals(sent)) {
        wrong.add(document.where(at) + ": " + message + ", but it is: " + sent);
      }
    }
  }

  private void check(JsonSchema schema, String at, Json example) {
    if (!example.isMissing()) {
      checked++;
      message(at, example.at("error"));
      List<JsonSchema.Violation> violations = schema.validate(example);
      if (!violations.isEmpty()) {
        wrong.add(document.where(at) + ": " + violations);
      }
    }
  }
}
