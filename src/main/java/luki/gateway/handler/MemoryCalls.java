package luki.gateway.handler;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import luki.gateway.http.ApiException;
import luki.gateway.http.Exchange;
import luki.gateway.http.Response.Outcome;
import luki.gateway.http.Upstream;
import luki.gateway.http.UserId;
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
    Memories.Found found = Memories.of(reply.json(), user);
    if (found.foreign() > 0) {
      LOG.error(
          "the memory service answered with memories of another user; they were dropped",
          Diagnostics.Field.of("count", found.foreign()));
    }
    return new Result(found, reply.outcome());
  }

  record Result(Memories.Found found, Outcome outcome) {}

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
}
