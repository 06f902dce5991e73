package luki.gateway.handler;

import java.time.Clock;
import java.time.Duration;
import luki.gateway.http.ApiException;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.json.Json;

/**
 * Replaces a memory in a service that has no update: the id is a hash of the text, so another text
 * is another item. The new one is stored before the old one goes, so that a failure loses neither.
 */
record ElrReplaceHandler(MemoryCalls memory, Clock clock) implements Handler.Completes {
  private static final Duration CLOCKS_DIFFER = Duration.ofSeconds(5);

  @Override
  public Response handle(Exchange exchange) throws InterruptedException {
    String oldId = exchange.pathParameter("id");
    MemoryCalls.Text text = MemoryCalls.Text.of(exchange.json(), clock.instant());
    ElrHandlers.refuseBlank(text.text(), "/text");
    String newId = MemoryCalls.idOf(exchange.user(), text.text());
    MemoryCalls.Stored stored =
        newId.equals(oldId) ? again(exchange, text, oldId) : another(exchange, text, oldId);
    Json item = text.item(stored.id()).toBuilder().put("replaces", oldId).build();
    return Response.json(200, item).from(stored.outcome());
  }

  /** Same text, same id: stored again, it would keep its old tags. So it goes first. */
  private MemoryCalls.Stored again(Exchange exchange, MemoryCalls.Text text, String id)
      throws InterruptedException {
    memory.delete(exchange, id);
    try {
      return memory.ingest(exchange, text);
    } catch (ApiException first) {
      return memory.ingest(exchange, text);
    }
  }

  private MemoryCalls.Stored another(Exchange exchange, MemoryCalls.Text text, String oldId)
      throws InterruptedException {
    MemoryCalls.Stored stored = memory.ingest(exchange, text);
    if (stored.id().equals(oldId)) {
      return stored; // The service names ids by another rule: then this was a replacement.
    }
    try {
      deleteTwice(exchange, oldId);
    } catch (ApiException failure) {
      if (wasNotThereBefore(exchange, text, stored.id())) {
        deleteTwice(exchange, stored.id());
      }
      throw failure;
    }
    return stored;
  }

  private void deleteTwice(Exchange exchange, String id) throws InterruptedException {
    try {
      memory.delete(exchange, id);
    } catch (ApiException first) {
      memory.delete(exchange, id);
    }
  }

  /**
   * An item that had this very text before must not go with a replacement that failed. Where the
   * service cannot even list, the new item is deleted again.
   */
  private boolean wasNotThereBefore(Exchange exchange, MemoryCalls.Text text, String id)
      throws InterruptedException {
    MemoryCalls.Found listed;
    try {
      listed = memory.search(exchange, MemoryCalls.EVERYTHING, MemoryCalls.MAX_RESULTS).found();
    } catch (ApiException cannotTell) {
      return true;
    }
    for (Json entry : listed.entries()) {
      if (entry.at("chunk_id").string("").equals(id)) {
        return isOurs(entry, text);
      }
    }
    // Not in a listing that was cut: it may be an old one beyond the cut.
    return listed.total() < ElrHandlers.LISTING_CAP;
  }

  /** Stored by this request: it has our time, or, where the service keeps none, a fresh one. */
  private static boolean isOurs(Json entry, MemoryCalls.Text text) {
    String stamp = entry.at("metadata").at("timestamp").string();
    if (stamp != null) {
      return stamp.equals(text.at().toString());
    }
    return ServiceText.parse(entry.at("created_at").string(""))
        .map(created -> created.isAfter(text.at().minus(CLOCKS_DIFFER)))
        .orElse(true);
  }
}
