package luki.gateway.handler;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Response.Outcome;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;
import luki.gateway.observe.Diagnostics;
import luki.gateway.upstream.Call;
import luki.gateway.upstream.Call.ServicePath;
import luki.gateway.upstream.LongList;
import luki.gateway.upstream.Upstreams;

/** The memory service as it really is: what is sent to it, and when its answer is a success. */
record MemoryCalls(Upstreams upstreams) {
  static final ServicePath SEARCH = new ServicePath("/search/memories");

  /** What a blank query lists: no more, and which of them depends on their ids. */
  private static final int LISTING_CAP = 1000;

  private static final ServicePath INGEST = new ServicePath("/ingestion/elr");
  private static final String EVERYTHING = " ";
  private static final int MAX_RESULTS = 50;
  // Two calls of up to ten seconds each.
  private static final Duration TIME_TO_RESTORE = Duration.ofSeconds(20);
  private static final Diagnostics LOG = new Diagnostics("memory");

  /**
   * The user's entries of a reply.
   *
   * @param best the first ones in the order that was asked for
   * @param total of this user, as the service counts
   * @param complete all that the user has were looked at
   */
  record Found(List<Json> best, long total, boolean complete, Outcome outcome) {}

  /**
   * The best of a user's memories. The service takes the nearest memories of all users and then
   * drops those of others, so it may find fewer than there are; then all are listed.
   */
  Found search(Exchange exchange, String query, int most) throws InterruptedException {
    Found nearest = nearest(exchange, query, most);
    return nearest.best().size() < most ? filledUp(exchange, query, most, nearest) : nearest;
  }

  /** In the order of the reply. */
  Found nearest(Exchange exchange, String query, int most) throws InterruptedException {
    return ask(exchange, query, (_, position) -> -position, most);
  }

  /** Adds the memories that have the most words in common with the query. */
  Found filledUp(Exchange exchange, String query, int most, Found nearest)
      throws InterruptedException {
    Found listed = list(exchange, MemoryRanking.byWordsOf(query), most);
    List<Json> best = new ArrayList<>(nearest.best());
    Set<String> known = new HashSet<>();
    best.forEach(entry -> known.add(MemoryRanking.idOf(entry)));
    for (Json entry : listed.best()) {
      if (best.size() < most && known.add(MemoryRanking.idOf(entry))) {
        best.add(entry);
      }
    }
    return new Found(best, listed.total(), listed.complete(), listed.outcome());
  }

  /** The best of all that the service lists, by that score and then the newest first. */
  Found list(Exchange exchange, MemoryRanking.Score score, int most) throws InterruptedException {
    return ask(exchange, EVERYTHING, score, most);
  }

  private Found ask(Exchange exchange, String query, MemoryRanking.Score score, int most)
      throws InterruptedException {
    MemoryRanking ranking = new MemoryRanking(exchange.user(), score, most, exchange.memory());
    Json question =
        Json.object()
            .put("user_id", exchange.user().value())
            .put("query", query)
            .put("k", MAX_RESULTS)
            .build();
    Call call = Call.post(SEARCH, question).with(new LongList("results", ranking));
    Upstreams.Success reply = upstreams.json(Upstream.MEMORY, call, exchange);
    reply.require(reply.json().at("results").isArray(), Upstream.MEMORY);
    int foreign = ranking.foreign();
    if (foreign > 0) {
      LOG.error(
          "the memory service answered with memories of another user; they were dropped",
          Diagnostics.Field.of("count", foreign));
    }
    int seen = ranking.own() + foreign;
    long counted = Math.max(seen, reply.json().at("total_count").integer().orElse(seen));
    return new Found(ranking.best(), counted - foreign, counted < LISTING_CAP, reply.outcome());
  }

  /** A memory that is stored, and whether its text was before. */
  record Stored(String id, boolean existed, Outcome outcome) {}

  /**
   * Stores a text as it was given. A text that exists keeps its old tags when it is ingested again,
   * so it is deleted in between. The first ingest changes nothing then, and shows before the
   * deletion that the service can store it.
   */
  Stored store(Exchange exchange, MemoryItem item) throws InterruptedException {
    String id = MemoryItem.idOf(exchange.user(), item.text());
    if (!exists(exchange, id)) {
      return ingest(exchange, item, false);
    }
    Stored _ = ingest(exchange, item, true);
    if (exchange.deadline().left().compareTo(TIME_TO_RESTORE) < 0) {
      throw new ApiException(
          new ApiError.FromUpstream(Upstream.MEMORY, ErrorCode.DOWNSTREAM_TIMEOUT));
    }
    deleteWithRepeat(exchange, id);
    return withRepeat(() -> ingest(exchange, item, true));
  }

  /**
   * Whether the user has the item: the service answers 404 where it is asked about an absent one.
   */
  boolean exists(Exchange exchange, String id) throws InterruptedException {
    ServicePath path =
        SEARCH.segment(exchange.user().value()).then("/similar").segment(id).query("k", "1");
    try {
      Call call = Call.get(path).ofNamedResource();
      Upstreams.Success reply = upstreams.json(Upstream.MEMORY, call, exchange);
      reply.require(reply.json().at("success").isTrue(), Upstream.MEMORY);
      return true;
    } catch (ApiException failure) {
      if (failure.error().code() == ErrorCode.NOT_FOUND) {
        return false;
      }
      throw failure;
    }
  }

  /** A 200 alone is no success. */
  private Stored ingest(Exchange exchange, MemoryItem item, boolean existed)
      throws InterruptedException {
    Call call = Call.post(INGEST, item.ingestion(exchange.user()));
    Upstreams.Success reply = upstreams.json(Upstream.MEMORY, call, exchange);
    String id = reply.json().at("chunk_ids").at(0).string("");
    boolean own = id.startsWith(exchange.user().value() + "_");
    reply.require(reply.json().at("success").isTrue() && own, Upstream.MEMORY);
    return new Stored(id, existed, reply.outcome());
  }

  /** Deletes one; an absent one is deleted too. */
  Outcome delete(Exchange exchange, String itemId) throws InterruptedException {
    Call call = Call.delete(new ServicePath("/delete/memory").segment(itemId));
    Upstreams.Success reply = upstreams.json(Upstream.MEMORY, call, exchange);
    reply.require(reply.json().at("status").string("").equals("success"), Upstream.MEMORY);
    return reply.outcome();
  }

  Outcome deleteWithRepeat(Exchange exchange, String itemId) throws InterruptedException {
    return withRepeat(() -> delete(exchange, itemId));
  }

  @FunctionalInterface
  private interface Attempt<T> {
    T make() throws InterruptedException;
  }

  /** For steps without which a memory would be lost half way, or kept after all; any failure. */
  private static <T> T withRepeat(Attempt<T> attempt) throws InterruptedException {
    try {
      return attempt.make();
    } catch (ApiException first) {
      return attempt.make();
    }
  }
}
