package luki.gateway.handler;

import java.util.ArrayList;
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

/** The memory service's entries and what the gateway shows of them. */
final class Memories {
  /** Keys of `metadata` that the service itself writes or reads; a caller may not set them. */
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
          "tags");

  private static final int HASH_HEX = 12;

  private Memories() {}

  /** The entries of a search that are this user's; others are a fault of the service. */
  record Found(List<Json> entries, int foreign, long total) {}

  static Found of(Json reply, UserId user) {
    Json results = reply.at("results");
    if (!results.isArray()) {
      throw new ApiException(Upstreams.nonsense(Upstream.MEMORY));
    }
    List<Json> own = new ArrayList<>();
    int foreign = 0;
    for (Json entry : results.items()) {
      if (ownerOf(entry).equals(user.value())) {
        own.add(entry);
      } else {
        foreign++;
      }
    }
    long total = reply.at("total_count").integer().orElse(results.size());
    return new Found(own, foreign, Math.max(own.size(), total - foreign));
  }

  private static String ownerOf(Json entry) {
    String named = entry.at("metadata").at("user_id").string();
    if (named != null) {
      return named;
    }
    String id = entry.at("chunk_id").string("");
    int last = id.lastIndexOf('_');
    return last < 0 ? "" : id.substring(0, last);
  }

  /** An entry as the contract's Item: no score, no reserved key, times with a zone. */
  static Json item(Json entry) {
    Json metadata = entry.at("metadata");
    String id = entry.at("chunk_id").string();
    String text = entry.at("content").string();
    Json created = ServiceText.utc(entry.at("created_at"));
    if (id == null || text == null || created.isMissing()) {
      throw new ApiException(Upstreams.nonsense(Upstream.MEMORY));
    }
    Json.Builder shown = Json.object();
    metadata
        .members()
        .forEach(
            (key, value) -> {
              if (!RESERVED.contains(key) && value.isScalar()) {
                shown.put(key, value);
              }
            });
    return Json.object()
        .put("id", id)
        .put("text", text)
        .put("tags", tags(metadata.at("tags")))
        .put("metadata", shown.build())
        .put("sensitivity", metadata.at("sensitivity_level").string("personal"))
        .put("content_type", metadata.at("content_type").string("memory").toLowerCase(Locale.ROOT))
        .put("created_at", created)
        .build();
  }

  /** A list, or a JSON list in a string, for the service's store takes no lists. */
  private static Json tags(Json tags) {
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

  /** The id that the service gives a text: known before it is stored. */
  static String idOf(UserId user, String text) {
    return user.value() + "_" + Sha256.of(text).substring(0, HASH_HEX);
  }
}
