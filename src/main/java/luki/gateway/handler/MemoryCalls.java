package luki.gateway.handler;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import luki.gateway.http.ApiException;
import luki.gateway.http.Exchange;
import luki.gateway.http.Response.Outcome;
import luki.gateway.http.Sha256;
import luki.gateway.http.Upstream;
import luki.gateway.http.UserId;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.observe.Diagnostics;
import luki.gateway.upstream.Call;
import luki.gateway.upstream.ServicePath;
import luki.gateway.upstream.Upstreams;

/** The memory service as it really is: what is sent to it, and when its answer is a success. */
record MemoryCalls(Upstreams upstreams) {
  static final ServicePath SEARCH = ServicePath.of("/search/memories");
  static final String EVERYTHING = " ";
  static final int MAX_RESULTS = 50;

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

  private static final ServicePath INGEST = ServicePath.of("/ingestion/elr");
  private static final Diagnostics LOG = new Diagnostics("memory");

  static Json query(UserId user, String query, int k) {
    return Json.object().put("user_id", user.value()).put("query", query).put("k", k).build();
  }

  /** A search; entries of other users are dropped, counted and reported. */
  Result search(Exchange exchange, String query, int k) throws InterruptedException {
    UserId user = exchange.user();
    Call call = Call.post(SEARCH, query(user, query, k)).asIdempotent();
    Upstreams.Success reply = upstreams.json(Upstream.MEMORY, call, exchange);
    Found found = found(reply.json(), user);
    if (found.foreign() > 0) {
      LOG.error(
          "the memory service answered with memories of another user; they were dropped",
          Diagnostics.Field.of("count", found.foreign()));
    }
    return new Result(found, reply.outcome());
  }

  record Result(Found found, Outcome outcome) {}

  /** What a caller gave, as it is to be stored. */
  record Text(
      String text, List<String> tags, Map<String, Json> metadata, String sensitivity, Instant at) {
    static Text of(Json body, Instant now) {
      List<String> tags = body.at("tags").items().stream().map(tag -> tag.string("")).toList();
      return new Text(
          body.at("text").string(""),
          tags,
          body.at("metadata").members(),
          body.at("sensitivity").string("personal"),
          now.truncatedTo(ChronoUnit.MILLIS));
    }

    Json item(String id) {
      Json.Builder shown = Json.object();
      metadata.forEach(shown::put);
      return Json.object()
          .put("id", id)
          .put("text", text)
          .put("tags", Json.strings(tags))
          .put("metadata", shown.build())
          .put("sensitivity", sensitivity)
          .put("content_type", "memory")
          .put("created_at", at.toString())
          .build();
    }

    private Json ingestion(UserId user) {
      Json.Builder stored = Json.object();
      metadata.forEach(stored::put);
      stored.put("tags", Json.strings(tags).toString());
      Json data =
          Json.object()
              .put("content", text)
              .put("content_type", "memory")
              .put("timestamp", at.toString())
              .put("metadata", stored.build())
              .build();
      return Json.object()
          .put("user_id", user.value())
          .put("elr_data", data)
          .put("consent_level", "private")
          .put("sensitivity_level", sensitivity)
          .put("source_file", "gateway")
          .build();
    }
  }

  /** Stores a text; its id comes back. A 200 alone is no success. */
  Stored ingest(Exchange exchange, Text text) throws InterruptedException {
    Call call = Call.post(INGEST, text.ingestion(exchange.user())).asIdempotent();
    Upstreams.Success reply = upstreams.json(Upstream.MEMORY, call, exchange);
    String id = reply.json().at("chunk_ids").at(0).string();
    boolean own = id != null && id.startsWith(exchange.user().value() + "_");
    if (!reply.json().at("success").isTrue() || id == null || !own) {
      throw new ApiException(Upstreams.nonsense(Upstream.MEMORY), reply.outcome());
    }
    return new Stored(id, reply.outcome());
  }

  record Stored(String id, Outcome outcome) {}

  /** Deletes one; an absent one is deleted too. */
  Outcome delete(Exchange exchange, String itemId) throws InterruptedException {
    Call call = Call.delete(ServicePath.of("/delete/memory").segment(itemId));
    Upstreams.Success reply = upstreams.json(Upstream.MEMORY, call, exchange);
    if (!reply.json().at("status").string("").equals("success")) {
      throw new ApiException(Upstreams.nonsense(Upstream.MEMORY), reply.outcome());
    }
    return reply.outcome();
  }

  /** The entries of a search that are this user's; others are a fault of the service. */
  record Found(List<Json> entries, int foreign, long total) {}

  static Found found(Json reply, UserId user) {
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
