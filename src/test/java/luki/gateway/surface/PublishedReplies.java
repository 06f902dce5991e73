package luki.gateway.surface;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.json.Json;
import luki.gateway.json.JsonSchema;
import luki.gateway.testing.HttpReply;

/**
 * Compares replies with the published document: no status, media type, field, error code or header
 * leaves that it does not list for the operation.
 */
final class PublishedReplies {
  private static final Json DOCUMENT = ContractOperation.published();

  /** Fields of every reply, by the documents of HTTP and CORS and the rules for browsers. */
  private static final Set<String> EVERYWHERE =
      names(
          "Access-Control-Allow-Headers",
          "Access-Control-Allow-Methods",
          "Access-Control-Allow-Origin",
          "Access-Control-Expose-Headers",
          "Access-Control-Max-Age",
          "Cache-Control",
          "Connection",
          "Content-Length",
          "Content-Security-Policy",
          "Content-Type",
          "Date",
          "Referrer-Policy",
          "Strict-Transport-Security",
          "Transfer-Encoding",
          "Vary",
          "X-Content-Type-Options",
          "X-Request-Id",
          "X-Trace-Id");

  private static final Map<Json, JsonSchema> SCHEMAS = new HashMap<>();

  private PublishedReplies() {}

  private static Set<String> names(String... names) {
    Set<String> all = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
    all.addAll(List.of(names));
    return all;
  }

  /** Fails where the reply is not one that the document lists for the operation. */
  static void check(String method, String template, HttpReply reply) {
    boolean head = method.equals("HEAD");
    String verb = head ? "get" : method.toLowerCase(Locale.ROOT);
    Json operation = DOCUMENT.at("paths").at(template).at(verb);
    // Names of methods are case-sensitive.
    if (operation.isMissing() || !method.equals(method.toUpperCase(Locale.ROOT))) {
      return; // No operation: 404, 405, or what OPTIONS answers.
    }
    Json listed = operation.at("responses").at(Integer.toString(reply.status()));
    if (listed.isMissing()) {
      ensure(reply.status() >= 400, method, template, "status " + reply.status(), reply);
      listed = operation.at("responses").at("default");
    }
    Json response = resolved(listed);
    Set<String> declared = names();
    declared.addAll(EVERYWHERE);
    declared.addAll(response.at("headers").members().keySet());
    for (String name : reply.headers().keySet()) {
      ensure(declared.contains(name), method, template, "header " + name, reply);
    }
    if (!head && !reply.rest().isEmpty()) {
      body(method, template, response, reply);
    }
  }

  private static void body(String method, String template, Json response, HttpReply reply) {
    String medium = reply.only("Content-Type").replaceAll("\\s*;.*", "");
    Json described = response.at("content").at(medium);
    ensure(!described.isMissing(), method, template, "media type " + medium, reply);
    if (!medium.endsWith("json")) {
      return;
    }
    JsonSchema schema;
    synchronized (SCHEMAS) {
      schema =
          SCHEMAS.computeIfAbsent(
              described.at("schema"), one -> JsonSchema.compile(one, DOCUMENT.at("components")));
    }
    List<JsonSchema.Violation> wrong = schema.validate(reply.json());
    ensure(wrong.isEmpty(), method, template, "body " + wrong, reply);
    String code = reply.status() < 400 ? "" : reply.code();
    boolean known =
        code.isEmpty()
            || described.at("examples").members().values().stream()
                .anyMatch(one -> one.at("value").at("error").at("code").string("").equals(code));
    ensure(known, method, template, "code " + code, reply);
  }

  private static Json resolved(Json value) {
    String reference = value.at("$ref").string();
    return reference == null ? value : DOCUMENT.pointer(reference.substring(1));
  }

  private static void ensure(
      boolean holds, String method, String template, String what, HttpReply reply) {
    if (!holds) {
      throw new AssertionError(
          "not in the published document: %s of %s %s: %s"
              .formatted(what, method, template, reply));
    }
  }
}
