package luki.gateway.contract;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import luki.gateway.http.Body;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.json.JsonSchema;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/** Compares replies with the published document. */
public final class PublishedReplies {
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
          "Content-Encoding",
          "Content-Length",
          "Content-Security-Policy",
          "Content-Type",
          "Date",
          "Referrer-Policy",
          "Strict-Transport-Security",
          "Transfer-Encoding",
          "Upgrade",
          "Vary",
          "X-Content-Type-Options",
          "X-Request-Id",
          "X-Trace-Id");

  private final Json document;
  private final Map<Json, JsonSchema> schemas = new ConcurrentHashMap<>();

  /** Of {@link ContractDocument#published}. */
  public PublishedReplies(Json document) {
    this.document = document;
  }

  /** What is not declared, with its name or place. */
  public record Undeclared(Kind kind, String what) {
    /** Which part of a reply. */
    public enum Kind {
      STATUS,
      HEADER,
      MEDIA_TYPE,
      BODY,
      ERROR_CODE
    }
  }

  private static Set<String> names(String... names) {
    Set<String> all = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
    all.addAll(List.of(names));
    return all;
  }

  /**
   * What of a reply the document does not list for the operation; null where it lists everything.
   *
   * @param method of the operation, HEAD for GET without a body
   * @param body of a stream nothing is compared but its media type
   */
  public @Nullable Undeclared in(
      String method, String template, int status, Fields headers, Body body) {
    boolean head = method.equals("HEAD");
    String verb = head ? "get" : method.toLowerCase(Locale.ROOT);
    Json operation = document.at("paths").at(template).at(verb);
    if (operation.isMissing()) {
      return null; // 404, 405, or what OPTIONS answers.
    }
    Json listed = operation.at("responses").at(Integer.toString(status));
    if (listed.isMissing()) {
      if (status < 400) {
        return new Undeclared(Undeclared.Kind.STATUS, Integer.toString(status));
      }
      listed = operation.at("responses").at("default");
    }
    String reference = listed.at("$ref").string();
    Json response = reference == null ? listed : document.pointer(reference.substring(1));
    Set<String> declared = names(response.at("headers").members().keySet().toArray(String[]::new));
    for (int i = 0; i < headers.size(); i++) {
      if (!EVERYWHERE.contains(headers.name(i)) && !declared.contains(headers.name(i))) {
        return new Undeclared(Undeclared.Kind.HEADER, headers.name(i));
      }
    }
    return head || body instanceof Body.Empty || body instanceof Body.Upgraded
        ? null
        : body(response, status, headers, body);
  }

  private @Nullable Undeclared body(Json response, int status, Fields headers, Body body) {
    String type = headers.first("Content-Type");
    String medium = type == null ? "" : type.replaceAll("\\s*;.*", "");
    Json described = response.at("content").at(medium);
    if (described.isMissing()) {
      return new Undeclared(Undeclared.Kind.MEDIA_TYPE, medium);
    }
    boolean plain = medium.endsWith("json") && !headers.has("Content-Encoding");
    return plain && body instanceof Body.Bytes whole
        ? json(described, status, whole.bytes())
        : null;
  }

  private @Nullable Undeclared json(Json described, int status, byte[] bytes) {
    JsonSchema schema =
        schemas.computeIfAbsent(
            described.at("schema"), one -> JsonSchema.compile(one, document.at("components")));
    try {
      Json json = Json.parseReply(bytes);
      List<JsonSchema.Violation> wrong = schema.validate(json);
      if (!wrong.isEmpty()) {
        return new Undeclared(Undeclared.Kind.BODY, wrong.toString());
      }
      String code = status < 400 ? "" : json.pointer("/error/code").string("");
      boolean known =
          code.isEmpty()
              || described.at("examples").members().values().stream()
                  .anyMatch(one -> one.pointer("/value/error/code").string("").equals(code));
      return known ? null : new Undeclared(Undeclared.Kind.ERROR_CODE, code);
    } catch (InvalidJson notJson) {
      return new Undeclared(Undeclared.Kind.BODY, "no JSON");
    }
  }
}
