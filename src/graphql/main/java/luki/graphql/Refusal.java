package luki.graphql;

import graphql.language.SourceLocation;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import luki.gateway.http.ErrorCode;
import luki.gateway.json.Json;
import org.jspecify.annotations.Nullable;

/** A document that is not executed, with a code of the gateway where there is one for it. */
final class Refusal extends Exception {
  private static final long serialVersionUID = 1L;

  private final String code;
  private final int status;
  private final String rule;
  private final transient @Nullable SourceLocation at;

  private Refusal(
      String code, int status, String rule, String message, @Nullable SourceLocation at) {
    super(message, null, false, false);
    this.code = code;
    this.status = status;
    this.rule = rule;
    this.at = at;
  }

  static Refusal invalid(String rule, String message) {
    return invalid(rule, message, null);
  }

  static Refusal invalid(String rule, String message, @Nullable SourceLocation at) {
    return new Refusal(
        ErrorCode.INVALID_REQUEST.name(), ErrorCode.INVALID_REQUEST.status(), rule, message, at);
  }

  static Refusal introspection() {
    return new Refusal(
        ErrorCode.FORBIDDEN.name(),
        ErrorCode.FORBIDDEN.status(),
        "introspection",
        "Introspection needs the scope ops:read",
        null);
  }

  /** Clients of persisted queries know it by its message, and send the document again. */
  static Refusal notPersisted() {
    return new Refusal("PERSISTED_QUERY_NOT_FOUND", 200, "", "PersistedQueryNotFound", null);
  }

  int status() {
    return status;
  }

  /** A GraphQL response without data. */
  Map<String, Object> response(String traceId) {
    Map<String, Object> extensions = new LinkedHashMap<>();
    extensions.put("code", code);
    extensions.put("trace_id", traceId);
    if (!rule.isEmpty()) {
      extensions.put(
          "details",
          List.of(
              JsonValues.membersOf(
                  Json.object().put("pointer", "/query").put("rule", rule).build())));
    }
    Map<String, Object> error = new LinkedHashMap<>();
    error.put("message", String.valueOf(getMessage()));
    if (at != null) {
      error.put("locations", List.of(Map.of("line", at.getLine(), "column", at.getColumn())));
    }
    error.put("extensions", extensions);
    return Map.of("errors", List.of(error));
  }
}
