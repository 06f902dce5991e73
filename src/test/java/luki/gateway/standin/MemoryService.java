package luki.gateway.standin;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import luki.gateway.http.Sha256;
import org.jspecify.annotations.Nullable;

/**
 * Stand-in for the memory service, as observed on the running service, with the routes that the
 * gateway calls.
 */
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

  private final MemoryStore store = new MemoryStore();

  Routes routes() {
    return new Routes()
        .get("/health", _ -> health())
        .post("/ingestion/elr", this::ingest)
        .post("/search/memories", this::search)
        .get("/search/memories/{user_id}/stats", this::stats)
        .get("/search/memories/{user_id}/similar/{chunk_id}", this::similar)
        .delete("/delete/memory/{memory_id}", this::delete)
        .delete("/delete/all/{user_id}", this::deleteAll);
  }

  private StandInReply health() {
    return StandInReply.ok(
        "status timestamp service version", "healthy", store.now(), "luki-memory-service", "1.0.0");
  }

  private StandInReply ingest(ServiceCall call) {
    BodyFields fields = call.fields();
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
    Map<String, @Nullable Object> defaults =
        PythonJson.object(
            "source_file consent_level sensitivity_level content_type timestamp",
            source == null ? "api_upload_" + store.now() : source,
            consent,
            sensitivity,
            data.path("content_type").asText("CONVERSATION"),
            data.path("timestamp").asText(store.now()));
    return ingested(store.add(owner, content.textValue(), defaults, data.path("metadata")));
  }

  private static StandInReply ingested(String id) {
    return ingestion(true, "ELR data ingested successfully", List.of(id), List.of());
  }

  /** A failure, with status 200. */
  private static StandInReply ingestFailed(String cause) {
    String message = "ELR ingestion failed due to internal error";
    return ingestion(false, message, List.of(), List.of("ELR ingestion failed: " + cause));
  }

  private static StandInReply ingestion(
      boolean success, String message, List<String> ids, List<String> errors) {
    return StandInReply.ok(
        "success chunks_created message chunk_ids processing_time_seconds errors created_item_ids",
        success,
        ids.size(),
        message,
        ids,
        SECONDS,
        errors,
        ids);
  }

  private StandInReply search(ServiceCall call) {
    BodyFields fields = call.fields();
    String owner = fields.text("user_id", 1, 255);
    String query = fields.text("query", 1, 1000);
    int k = fields.integer("k", 5, 1, 50);
    List<String> types = fields.choices("content_types", CONTENT_TYPES);
    List<String> levels = fields.choices("sensitivity_filter", SENSITIVITY);
    String from = fields.optionalText("date_from");
    String to = fields.optionalText("date_to");
    fields.check();
    // The real service cannot compare a date with a zone, and returns an empty success.
    if (hasZone(from) || hasZone(to)) {
      return found(owner, List.of(), 0);
    }
    MemoryStore.MemoryFilter filter =
        new MemoryStore.MemoryFilter(types, levels, date("date_from", from), date("date_to", to));
    return query.isBlank()
        ? found(owner, store.list(owner, filter), 1.0)
        : found(owner, store.search(owner, query, k, filter), 0.0);
  }

  private static StandInReply found(
      String owner, List<MemoryStore.StoredMemory> items, double score) {
    return StandInReply.ok(
        "results total_count query_time_ms user_id",
        items.stream().map(item -> result(item, score)).toList(),
        items.size(),
        0.25,
        owner);
  }

  private static Map<String, @Nullable Object> result(MemoryStore.StoredMemory item, double score) {
    return PythonJson.object(
        "content similarity_score metadata chunk_id created_at",
        item.content(),
        score,
        item.metadata(),
        item.id(),
        item.createdAt());
  }

  private StandInReply similar(ServiceCall call) {
    String owner = call.param("user_id");
    String id = call.param("chunk_id");
    int k = call.intQuery("k", 5);
    return store
        .similar(owner, id, k)
        .map(
            items ->
                StandInReply.ok(
                    "success target_chunk_id similar_memories total_found",
                    true,
                    id,
                    items.stream().map(item -> result(item, 0.0)).toList(),
                    items.size()))
        .orElseGet(() -> StandInReply.detail(404, "Memory chunk not found"));
  }

  private StandInReply stats(ServiceCall call) {
    String owner = call.param("user_id");
    Map<String, Integer> types = store.count(owner, "content_type");
    int total = types.values().stream().mapToInt(Integer::intValue).sum();
    return StandInReply.ok(
        "user_id email total_memories recent_memories content_types consent_levels last_updated",
        owner,
        "",
        total,
        total,
        types,
        store.count(owner, "consent_level"),
        store.now());
  }

  private StandInReply delete(ServiceCall call) {
    String id = call.param("memory_id");
    if (!id.contains("_")) {
      return StandInReply.detail(400, "Invalid memory ID format");
    }
    store.remove(id);
    String message = "Memory " + id + " deleted successfully";
    return StandInReply.ok("status message memory_id", "success", message, id);
  }

  private StandInReply deleteAll(ServiceCall call) {
    String owner = call.param("user_id");
    int count = store.removeAll(owner);
    return StandInReply.ok(
        "status message deleted_count user_id",
        "success",
        "Deleted all memories for user " + owner,
        count,
        owner);
  }

  private static boolean hasZone(@Nullable String time) {
    try {
      return time != null && OffsetDateTime.parse(time) != null;
    } catch (DateTimeParseException e) {
      return false;
    }
  }

  private static @Nullable LocalDateTime date(String name, @Nullable String text) {
    try {
      return text == null ? null : LocalDateTime.parse(text);
    } catch (DateTimeParseException e) {
      String message = "Input should be a valid datetime, invalid character in year";
      throw BodyFields.invalid("datetime_from_date_parsing", List.of("body", name), message, text);
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

  /** The vector store of the memory service; similarity is the number of shared words. */
  static final class MemoryStore {
    private static final int LIST_CAP = 1000;
    private static final String NOBODY = "anonymous_base_user";
    private static final Pattern BETWEEN_WORDS = Pattern.compile("[^\\p{L}\\p{N}]+");

    private final Map<String, StoredMemory> items = new LinkedHashMap<>();

    record StoredMemory(
        String owner,
        String id,
        String content,
        Set<String> words,
        Map<String, @Nullable Object> metadata) {
      String createdAt() {
        return String.valueOf(metadata.get("created_at"));
      }
    }

    private record Scored(StoredMemory item, long shared) {}

    /** The filter of a search; empty lists and nulls match everything. */
    record MemoryFilter(
        List<String> contentTypes,
        List<String> sensitivities,
        @Nullable LocalDateTime from,
        @Nullable LocalDateTime to) {

      boolean keeps(StoredMemory item) {
        LocalDateTime created = LocalDateTime.parse(item.createdAt());
        return keeps(contentTypes, item.metadata().get("content_type"))
            && keeps(sensitivities, item.metadata().get("sensitivity_level"))
            && (from == null || !created.isBefore(from))
            && (to == null || !created.isAfter(to));
      }

      private static boolean keeps(List<String> wanted, @Nullable Object value) {
        return wanted.isEmpty() || wanted.contains(String.valueOf(value));
      }
    }

    String now() {
      return PythonJson.zoneless(Instant.now());
    }

    /** Stores a text once and returns its id; a second call changes nothing. */
    synchronized String add(
        String owner, String content, Map<String, @Nullable Object> defaults, JsonNode given) {
      Map<String, @Nullable Object> metadata = new LinkedHashMap<>(defaults);
      given.properties().forEach(e -> metadata.put(e.getKey(), PythonJson.plain(e.getValue())));
      String id = owner + "_" + hash(content);
      metadata.put("user_id", owner);
      metadata.put("type", "elr_memory");
      metadata.put("created_at", now());
      metadata.put("chunk_id", id);
      items.putIfAbsent(id, new StoredMemory(owner, id, content, words(content), metadata));
      return id;
    }

    /** The items of the user by id, up to the cap; limits are ignored. */
    synchronized List<StoredMemory> list(String owner, MemoryFilter filter) {
      return owned(owner)
          .sorted(Comparator.comparing(StoredMemory::id))
          .limit(LIST_CAP)
          .filter(filter::keeps)
          .toList();
    }

    /** Searches all users' items and then filters by user, so it may return too few. */
    synchronized List<StoredMemory> search(String owner, String query, int k, MemoryFilter filter) {
      return nearest(items.values().stream(), words(query), 3 * k).stream()
          .filter(item -> item.owner().equals(owner) && !owner.equals(NOBODY))
          .filter(filter::keeps)
          .limit(k)
          .toList();
    }

    /** The items of the user that are nearest to that one; empty when it is not stored. */
    synchronized Optional<List<StoredMemory>> similar(String owner, String id, int k) {
      StoredMemory target = items.get(id);
      return target == null || !target.owner().equals(owner)
          ? Optional.empty()
          : Optional.of(
              nearest(owned(owner).filter(item -> !item.id().equals(id)), target.words(), k));
    }

    private static List<StoredMemory> nearest(
        Stream<StoredMemory> among, Set<String> asked, int most) {
      return among
          .map(item -> new Scored(item, shared(asked, item)))
          .sorted(Comparator.comparingLong(Scored::shared).reversed())
          .limit(most)
          .map(Scored::item)
          .toList();
    }

    synchronized void remove(String id) {
      items.remove(id);
    }

    synchronized int removeAll(String owner) {
      int before = items.size();
      items.values().removeIf(item -> item.owner().equals(owner));
      return before - items.size();
    }

    /** The number of items for each value of a metadata key. */
    synchronized Map<String, Integer> count(String owner, String key) {
      Map<String, Integer> counts = new TreeMap<>();
      owned(owner)
          .forEach(i -> counts.merge(String.valueOf(i.metadata().get(key)), 1, Integer::sum));
      return counts;
    }

    private Stream<StoredMemory> owned(String owner) {
      return items.values().stream()
          .filter(item -> item.owner().equals(owner) && !owner.equals(NOBODY));
    }

    private static long shared(Set<String> asked, StoredMemory item) {
      return asked.stream().filter(item.words()::contains).count();
    }

    private static Set<String> words(String text) {
      return Set.copyOf(
          BETWEEN_WORDS.splitAsStream(text.toLowerCase(Locale.ROOT)).distinct().toList());
    }

    private static String hash(String content) {
      return Sha256.of(content).substring(0, 12);
    }
  }
}
