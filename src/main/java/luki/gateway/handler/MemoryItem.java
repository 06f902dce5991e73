package luki.gateway.handler;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import luki.gateway.http.ApiException;
import luki.gateway.http.Sha256;
import luki.gateway.http.Upstream;
import luki.gateway.http.UserId;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.upstream.Upstreams;

/** A memory in the forms of the contract and of the memory service: as a caller gave it. */
record MemoryItem(String text, List<String> tags, Json metadata, String sensitivity, Instant at) {
  // The old gateway, which uses the same service, fails on a list of tags that is a string.
  private static final String TAGS = "gateway_tags";
  private static final String OLD_TAGS = "tags";

  /**
   * Keys of `metadata` that the service or a gateway writes or reads; a caller may not set them.
   */
  private static final Set<String> RESERVED =
      Set.of(
          "source_file",
          "consent_level",
          "sensitivity_level",
          "content_type",
          "timestamp",
          "user_id",
          "type",
          "created_at",
          "chunk_id",
          OLD_TAGS,
          TAGS);

  private static final int HASH_HEX = 12;

  static MemoryItem of(Json body, Instant now) {
    List<String> tags = body.at("tags").items().stream().map(tag -> tag.string("")).toList();
    return new MemoryItem(
        body.at("text").string(""),
        tags,
        body.at("metadata").toBuilder().build(),
        body.at("sensitivity").string("personal"),
        now.truncatedTo(ChronoUnit.MILLIS));
  }

  /** The id that the service gives a text: known before it is stored. */
  static String idOf(UserId user, String text) {
    return user.value() + "_" + Sha256.of(text).substring(0, HASH_HEX);
  }

  /** The contract's Item. */
  Json shown(String id) {
    return Json.object()
        .put("id", id)
        .put("text", text)
        .put("tags", Json.strings(tags))
        .put("metadata", metadata)
        .put("sensitivity", sensitivity)
        .put("content_type", "memory")
        .put("created_at", at.toString())
        .build();
  }

  /** The service's request to store it. */
  Json ingestion(UserId user) {
    Json.Builder notes = metadata.toBuilder();
    if (!tags.isEmpty()) {
      notes.put(TAGS, Json.strings(tags).toString());
    }
    Json.Builder data =
        Json.object()
            .put("content", text)
            .put("content_type", "memory")
            .put("timestamp", at.toString())
            .put("metadata", notes);
    return Json.object()
        .put("user_id", user.value())
        .put("elr_data", data)
        .put("consent_level", "private")
        .put("sensitivity_level", sensitivity)
        .put("source_file", "gateway")
        .build();
  }

  /**
   * An entry of the service as the contract's Item: no score, no reserved key, times with a zone.
   */
  static Json shown(Json entry) {
    Json metadata = entry.at("metadata");
    String id = entry.at("chunk_id").string();
    String text = entry.at("content").string();
    Json created = ServiceText.utc(entry.at("created_at"));
    if (id == null || text == null || created.isMissing()) {
      throw new ApiException(Upstreams.nonsense(Upstream.MEMORY));
    }
    Json.Builder notes = Json.object();
    metadata
        .members()
        .forEach(
            (key, value) -> {
              if (!RESERVED.contains(key) && value.isScalar()) {
                notes.put(key, value);
              }
            });
    Json tags = metadata.at(TAGS).isAbsent() ? metadata.at(OLD_TAGS) : metadata.at(TAGS);
    return Json.object()
        .put("id", id)
        .put("text", text)
        .put("tags", list(tags))
        .put("metadata", notes)
        .put("sensitivity", metadata.at("sensitivity_level").string("personal"))
        .put("content_type", metadata.at("content_type").string("memory").toLowerCase(Locale.ROOT))
        .put("created_at", created)
        .build();
  }

  /** A list, or a JSON list in a string, for the service's store takes no lists. */
  private static Json list(Json tags) {
    Json list = tags;
    String text = tags.string();
    if (text != null) {
      try {
        list = Json.parseReply(text);
      } catch (InvalidJson notJson) {
        list = Json.strings(List.of(text));
      }
    }
    List<Json> strings = list.items().stream().filter(tag -> tag.string() != null).toList();
    return Json.array(strings);
  }
}
