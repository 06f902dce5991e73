package luki.gateway.handler;

import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Outcome;
import luki.gateway.http.Upstream;
import luki.gateway.http.UserId;
import luki.gateway.json.Json;
import luki.gateway.upstream.Call;
import luki.gateway.upstream.Call.ServicePath;
import luki.gateway.upstream.Upstreams;

/** Electronic life records: keep, find, list, delete, erase, count. */
public record ElrHandlers(Upstreams upstreams, Clock clock) {
  private static final int DEFAULT_SEARCH = 10;
  private static final int DEFAULT_PAGE = 20;
  private static final int MAX_ERASURES = 10;
  private static final List<String> STATS =
      List.of("user_id", "total_memories", "recent_memories", "content_types", "consent_levels");

  private MemoryCalls memory() {
    return new MemoryCalls(upstreams);
  }

  /** By the names that the contract uses. */
  public Map<String, Handler> byName() {
    return Map.of(
        "elr-ingest", (Handler.Completes) this::ingest,
        "elr-search", this::search,
        "elr-list", this::list,
        "elr-item", this::item,
        "elr-replace", (Handler.Completes) this::replace,
        "elr-delete", this::delete,
        "elr-erase", (Handler.Completes) this::erase,
        "elr-stats", this::stats);
  }

  private Response ingest(Exchange exchange) throws InterruptedException {
    MemoryItem item = MemoryItem.of(exchange.json(), clock.instant());
    refuseBlank(item.text(), "/text");
    MemoryCalls.Stored stored = memory().store(exchange, item);
    return Response.json(201, item.shown(stored.id())).from(stored.outcome());
  }

  static void refuseBlank(String text, String pointer) {
    if (ServiceText.isBlank(text)) {
      throw new ApiException(ApiError.invalid(pointer, "blank"));
    }
  }

  private Response search(Exchange exchange) throws InterruptedException {
    String query = exchange.json().at("query").string("");
    refuseBlank(query, "/query");
    int limit = (int) exchange.json().at("limit").integer().orElse(DEFAULT_SEARCH);
    MemoryCalls.Found found = memory().search(exchange, query, limit);
    List<Json> items = found.best().stream().map(MemoryItem::shown).toList();
    Json.Builder reply =
        Json.object()
            .put("items", Json.array(items))
            .put("total", items.size())
            .put("user_id", exchange.user().value());
    return Response.json(200, reply).from(found.outcome());
  }

  private Response list(Exchange exchange) throws InterruptedException {
    int limit = exchange.queryInt("limit", DEFAULT_PAGE);
    int offset = exchange.queryInt("offset", 0);
    // Among equal scores the newest come first.
    MemoryCalls.Found found = memory().list(exchange, (_, _) -> 0, offset + limit);
    List<Json> page = found.best().stream().skip(offset).map(MemoryItem::shown).toList();
    Json.Builder reply =
        Json.object()
            .put("items", Json.array(page))
            .put("total", found.total())
            .put("limit", limit)
            .put("offset", offset)
            .put("truncated", !found.complete())
            .put("user_id", exchange.user().value());
    return Response.json(200, reply).from(found.outcome());
  }

  /** The service reads no single item, but it lists, and says whether one exists. */
  private Response item(Exchange exchange) throws InterruptedException {
    String id = exchange.pathParameter("item_id");
    if (!UserId.ownerOf(id).equals(exchange.user().value())) {
      throw new ApiException(ApiError.of(ErrorCode.NOT_FOUND));
    }
    MemoryRanking.Score isIt = (entry, _) -> MemoryRanking.idOf(entry).equals(id) ? 1 : 0;
    MemoryCalls.Found found = memory().list(exchange, isIt, 1);
    for (Json entry : found.best()) {
      if (MemoryRanking.idOf(entry).equals(id)) {
        return Response.json(200, MemoryItem.shown(entry)).from(found.outcome());
      }
    }
    boolean absent = found.complete() || !memory().exists(exchange, id);
    throw new ApiException(
        absent ? ApiError.of(ErrorCode.NOT_FOUND) : Upstreams.nonsense(Upstream.MEMORY),
        found.outcome());
  }

  /**
   * Replaces a memory in a service that has no update: the id is a hash of the text, so another
   * text is another item. The new one is stored before the old one is deleted, so that a failure
   * loses neither.
   */
  private Response replace(Exchange exchange) throws InterruptedException {
    String oldId = exchange.pathParameter("id");
    MemoryItem item = MemoryItem.of(exchange.json(), clock.instant());
    refuseBlank(item.text(), "/text");
    MemoryCalls.Stored stored = memory().store(exchange, item);
    if (!stored.id().equals(oldId)) {
      deleteOld(exchange, oldId, stored);
    }
    Json.Builder shown = item.shown(stored.id()).toBuilder().put("replaces", oldId);
    return Response.json(200, shown).from(stored.outcome());
  }

  /** Without the deletion there is no replacement, so a new item is deleted again. */
  private void deleteOld(Exchange exchange, String oldId, MemoryCalls.Stored stored)
      throws InterruptedException {
    try {
      memory().deleteWithRepeat(exchange, oldId);
    } catch (ApiException failure) {
      if (!stored.existed()) {
        memory().deleteWithRepeat(exchange, stored.id());
      }
      throw failure;
    }
  }

  private Response delete(Exchange exchange) throws InterruptedException {
    return Response.empty(204).from(memory().delete(exchange, exchange.pathParameter("id")));
  }

  /** Again and again until nothing is left: the service may say done with some still there. */
  private Response erase(Exchange exchange) throws InterruptedException {
    Call call = Call.delete(new ServicePath("/delete/all").segment(exchange.user().value()));
    long deleted = 0;
    Outcome outcome = Outcome.NONE;
    for (int i = 0; i < MAX_ERASURES; i++) {
      Upstreams.Success reply = upstreams.json(Upstream.MEMORY, call, exchange);
      outcome = reply.outcome();
      OptionalLong count = reply.json().at("deleted_count").integer();
      reply.require(
          count.isPresent() && reply.json().at("status").string("").equals("success"),
          Upstream.MEMORY);
      if (count.getAsLong() == 0) {
        Json.Builder json =
            Json.object().put("user_id", exchange.user().value()).put("deleted", deleted);
        return Response.json(200, json).from(outcome);
      }
      deleted += count.getAsLong();
    }
    throw new ApiException(Upstreams.nonsense(Upstream.MEMORY), outcome);
  }

  private Response stats(Exchange exchange) throws InterruptedException {
    Upstreams.Success reply = upstreams.json(Upstream.MEMORY, statsCall(exchange), exchange);
    return Response.json(200, shownStats(reply.json())).from(reply.outcome());
  }

  static Call statsCall(Exchange exchange) {
    return Call.get(MemoryCalls.SEARCH.segment(exchange.user().value()).then("/stats"));
  }

  /** The five fields that are shown; a reply that lacks one is nonsense. */
  static Json shownStats(Json reply) {
    Json.Builder shown = Json.object();
    for (String field : STATS) {
      if (reply.at(field).isAbsent()) {
        throw new ApiException(Upstreams.nonsense(Upstream.MEMORY));
      }
      shown.put(field, reply.at(field));
    }
    return shown.build();
  }
}
