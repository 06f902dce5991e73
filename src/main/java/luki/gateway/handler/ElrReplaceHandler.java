package luki.gateway.handler;

import java.time.Clock;
import luki.gateway.http.ApiException;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.json.Json;

/**
 * Replaces a memory in a service that has no update: the id is a hash of the text, so another text
 * is another item. The new one is stored before the old one is deleted, so that a failure loses
 * neither.
 */
record ElrReplaceHandler(MemoryCalls memory, Clock clock) implements Handler.Completes {
  @Override
  public Response handle(Exchange exchange) throws InterruptedException {
    String oldId = exchange.pathParameter("id");
    MemoryItem item = MemoryItem.of(exchange.json(), clock.instant());
    ElrHandlers.refuseBlank(item.text(), "/text");
    MemoryCalls.Stored stored = memory.store(exchange, item);
    if (!stored.id().equals(oldId)) {
      deleteOld(exchange, oldId, stored);
    }
    Json shown = item.shown(stored.id()).toBuilder().put("replaces", oldId).build();
    return Response.json(200, shown).from(stored.outcome());
  }

  /** Without the deletion there is no replacement, so a new item is deleted again. */
  private void deleteOld(Exchange exchange, String oldId, MemoryCalls.Stored stored)
      throws InterruptedException {
    try {
      memory.deleteTwice(exchange, oldId);
    } catch (ApiException failure) {
      if (!stored.existed()) {
        memory.deleteTwice(exchange, stored.id());
      }
      throw failure;
    }
  }
}
