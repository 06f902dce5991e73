package luki.gateway.standin;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Stands in for the memory service; observed on the running service. */
final class MemoryService {
  private static final List<String> CONSENT_LEVELS = List.of("private", "family", "research");
  private static final List<String> SENSITIVITY =
      List.of("public", "personal", "sensitive", "confidential");
  private static final List<String> CONTENT_TYPES =
      List.of(
          "life_story",
          "memory",
          "preference",
          "family",
          "interest",
          "health",
          "goal",
          "relationship");
  private static final double SECONDS = 0.0003;

  private final MemoryStore store;

  MemoryService(Clock clock) {
    this.store = new MemoryStore(clock);
  }

  Routes routes() {
    return new Routes()
        .get("/", _ -> Reply.ok(Json.object("status", "healthy", "service", "luki-memory-service")))
        .get("/health", _ -> health())
        .post("/auth/service-token", _ -> token("api_service"))
        .post("/auth/login", _ -> token("user"))
        .post("/auth/dev-token", _ -> token("dev"))
        .post("/ingestion/elr", this::ingest)
        .post("/ingestion/elr/batch", this::batch)
        .post("/search/memories", this::search)
        .get("/search/memories/{user_id}/stats", this::stats)
        .get("/search/memories/{user_id}/similar/{chunk_id}", this::similar)
        .delete("/delete/memory/{memory_id}", this::delete)
        .delete("/delete/all/{user_id}", this::deleteAll);
  }

  private Reply health() {
    return Reply.ok(
        Json.object(
            "status", "healthy",
            "timestamp", store.now(),
            "service", "luki-memory-service",
            "version", "1.0.0"));
  }

  /** Unsigned and given to anyone; nothing here ever checks it. */
  private Reply token(String subject) {
    byte[] claims = Json.write(Map.of("sub", subject)).getBytes(StandardCharsets.UTF_8);
    String token = Base64.getEncoder().encodeToString(claims);
    return Reply.ok(
        Json.object("access_token", token, "token_type", "bearer", "expires_in", 86_400));
  }

  private Reply ingest(Call call) {
    Fields fields = call.fields();
    String owner = fields.text("user_id", 1, 255);
    JsonNode data = fields.object("elr_data");
    if (data.isObject() && data.isEmpty()) {
      String message = "Value error, ELR data cannot be empty";
      fields.fault("value_error", "elr_data", message, data, Map.of("error", Map.of()));
    }
    String consent = fields.choice("consent_level", "private", CONSENT_LEVELS);
    String sensitivity = fields.choice("sensitivity_level", "personal", SENSITIVITY);
    String source = fields.optionalText("source_file");
    fields.check();

    JsonNode content = data.path("content");
    if (!content.isTextual()) {
      return ingestFailed("'%s' object has no attribute 'encode'".formatted(pythonType(content)));
    }
    for (Map.Entry<String, JsonNode> entry : data.path("metadata").properties()) {
      if (!entry.getValue().isValueNode() || entry.getValue().isNull()) {
        return ingestFailed("metadata value of type " + pythonType(entry.getValue()));
      }
    }
    Map<String, @Nullable Object> defaults =
        Json.object(
            "source_file",
            source == null ? "api_upload_" + store.now() : source,
            "consent_level",
            consent,
            "sensitivity_level",
            sensitivity,
            "content_type",
            data.path("content_type").asText("CONVERSATION"),
            "timestamp",
            data.path("timestamp").asText(store.now()));
    return ingested(store.add(owner, content.textValue(), defaults, data.path("metadata")));
  }

  private static Reply ingested(String id) {
    return Reply.ok(
        Json.object(
            "success",
            true,
            "chunks_created",
            1,
            "message",
            "ELR data ingested successfully",
            "chunk_ids",
            List.of(id),
            "processing_time_seconds",
            SECONDS,
            "errors",
            List.of(),
            "created_item_ids",
            List.of(id)));
  }

  /** A failure, and still 200. */
  private static Reply ingestFailed(String cause) {
    return Reply.ok(
        Json.object(
            "success",
            false,
            "chunks_created",
            0,
            "message",
            "ELR ingestion failed due to internal error",
            "chunk_ids",
            List.of(),
            "processing_time_seconds",
            SECONDS,
            "errors",
            List.of("ELR ingestion failed: " + cause),
            "created_item_ids",
            List.of()));
  }

  /** Every item fails, as on the real service. */
  private Reply batch(Call call) {
    Fields fields = call.fields();
    fields.check();
    int size = fields.optional("batch_data").size();
    return Reply.ok(
        Json.object(
            "batch_id",
            fields.optional("batch_id").asText("batch"),
            "total_requests",
            size,
            "successful_requests",
            0,
            "failed_requests",
            size,
            "individual_results",
            List.of(),
            "total_processing_time_seconds",
            SECONDS));
  }

  private Reply search(Call call) {
    Fields fields = call.fields();
    String owner = fields.text("user_id", 1, 255);
    String query = fields.text("query", 1, 1000);
    int k = fields.integer("k", 5, 1, 50);
    List<String> types = fields.choices("content_types", CONTENT_TYPES);
    List<String> levels = fields.choices("sensitivity_filter", SENSITIVITY);
    String from = fields.optionalText("date_from");
    String to = fields.optionalText("date_to");
    fields.check();
    // A date with a zone cannot be compared over there; the failure is an empty success.
    if (Stamp.hasZone(from) || Stamp.hasZone(to)) {
      return found(owner, List.of(), 0);
    }
    MemoryStore.Filter filter =
        new MemoryStore.Filter(types, levels, date("date_from", from), date("date_to", to));
    return query.isBlank()
        ? found(owner, store.list(owner, filter), 1.0)
        : found(owner, store.search(owner, query, k, filter), 0.0);
  }

  private static Reply found(String owner, List<MemoryStore.Item> items, double score) {
    return Reply.ok(
        Json.object(
            "results",
            items.stream().map(item -> result(item, score)).toList(),
            "total_count",
            items.size(),
            "query_time_ms",
            0.25,
            "user_id",
            owner));
  }

  private static Map<String, @Nullable Object> result(MemoryStore.Item item, double score) {
    return Json.object(
        "content", item.content(),
        "similarity_score", score,
        "metadata", item.metadata(),
        "chunk_id", item.id(),
        "created_at", item.createdAt());
  }

  private Reply stats(Call call) {
    String owner = call.param("user_id");
    Map<String, Integer> types = store.count(owner, "content_type");
    int total = types.values().stream().mapToInt(Integer::intValue).sum();
    return Reply.ok(
        Json.object(
            "user_id", owner,
            "email", "",
            "total_memories", total,
            "recent_memories", total,
            "content_types", types,
            "consent_levels", store.count(owner, "consent_level"),
            "last_updated", store.now()));
  }

  private Reply similar(Call call) {
    MemoryStore.Item target = store.find(call.param("chunk_id"));
    if (target == null || !target.owner().equals(call.param("user_id"))) {
      return Reply.detail(404, "Memory not found");
    }
    MemoryStore.Filter all = new MemoryStore.Filter(List.of(), List.of(), null, null);
    List<Object> near = new ArrayList<>();
    for (var item : store.search(target.owner(), target.content(), call.intQuery("k", 5), all)) {
      if (!item.id().equals(target.id())) {
        near.add(result(item, 0.0));
      }
    }
    return Reply.ok(
        Json.object(
            "success",
            true,
            "target_chunk_id",
            target.id(),
            "similar_memories",
            near,
            "total_found",
            near.size()));
  }

  private Reply delete(Call call) {
    String id = call.param("memory_id");
    if (!id.contains("_")) {
      return Reply.detail(400, "Invalid memory ID format");
    }
    store.remove(id);
    String message = "Memory " + id + " deleted successfully";
    return Reply.ok(Json.object("status", "success", "message", message, "memory_id", id));
  }

  private Reply deleteAll(Call call) {
    String owner = call.param("user_id");
    int count = store.removeAll(owner);
    return Reply.ok(
        Json.object(
            "status",
            "success",
            "message",
            "Deleted all memories for user " + owner,
            "deleted_count",
            count,
            "user_id",
            owner));
  }

  private static @Nullable LocalDateTime date(String name, @Nullable String text) {
    try {
      return text == null ? null : LocalDateTime.parse(text);
    } catch (DateTimeParseException e) {
      String message = "Input should be a valid datetime, invalid character in year";
      throw Fields.invalid("datetime_from_date_parsing", List.of("body", name), message, text);
    }
  }

  private static String pythonType(JsonNode value) {
    return switch (value.getNodeType()) {
      case OBJECT -> "dict";
      case ARRAY -> "list";
      case NUMBER -> value.isIntegralNumber() ? "int" : "float";
      case BOOLEAN -> "bool";
      case STRING -> "str";
      default -> "NoneType";
    };
  }
}
