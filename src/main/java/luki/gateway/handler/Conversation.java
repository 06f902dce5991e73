package luki.gateway.handler;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import luki.gateway.consent.Consent;
import luki.gateway.http.ApiException;
import luki.gateway.http.Deadline;
import luki.gateway.http.Exchange;
import luki.gateway.http.Policy.ConsentRule;
import luki.gateway.json.Json;
import luki.gateway.observe.Label;
import luki.gateway.upstream.Branch;

/**
 * What the agent gets besides the message. Consent and memories are requested in parallel under one
 * short deadline; nothing there fails the chat.
 */
record Conversation(MemoryCalls memory, Consent consent, Duration deadline) {
  private static final int QUERY_CODE_POINTS = 1000;
  private static final int MEMORIES = 5;

  /** What the caller sent, in the body or, for a page in a browser, in the query. */
  static Json said(Exchange exchange) {
    if (exchange.payload() != null) {
      return exchange.json();
    }
    Json.Builder said = Json.object();
    for (String name : List.of("message", "session_id")) {
      String value = exchange.request().query().only(name);
      if (value != null) {
        said.put(name, value);
      }
    }
    return said.build();
  }

  /** How the memories fared, as {@code meta.memory} says it. */
  enum MemoryUse implements Label {
    USED,
    NONE,
    DENIED,
    UNAVAILABLE
  }

  /** The agent's request, whether memories are in it, and the exchange with what was consented. */
  record Prepared(Json request, MemoryUse memory, Exchange exchange) {
    boolean usesMemories() {
      return memory == MemoryUse.USED;
    }
  }

  Prepared prepare(Exchange exchange, Json said) throws InterruptedException {
    String message = said.at("message").string("");
    ElrHandlers.refuseBlank(message, "/message");
    Remembered remembered = remember(exchange, message);
    // Only the gateway says what is remembered, and a wallet cannot be proved.
    Json.Builder context = Json.object();
    // Without null, which generated clients send for what is not set.
    said.at("context").members().forEach(context::putPresent);
    context
        .remove("memory_context")
        .remove("wallet")
        .putPresent("persona_id", said.at("persona_id"));
    if (remembered.use() == MemoryUse.USED) {
      context.put("memory_context", Json.array(remembered.entries()));
    }
    Json request =
        Json.object()
            .put("message", message)
            .put("user_id", exchange.user().value())
            .putPresent("session_id", said.at("session_id"))
            .putPresent("file_search_mode", said.at("file_search_mode"))
            .putPresent("client_tag", said.at("client_tag"))
            .put("context", context)
            .build();
    return new Prepared(request, remembered.use(), consented(exchange, remembered.consent()));
  }

  /** An answer that did not come is not passed on as one. */
  private static Exchange consented(Exchange exchange, Consent.Answer answer) {
    return answer.status() == Consent.ConsentStatus.UNAVAILABLE
        ? exchange
        : exchange.consented(
            new Exchange.ConsentGiven(
                exchange.consentRule().scopes(),
                answer.status() == Consent.ConsentStatus.ALLOWED,
                answer.at()));
  }

  /** The memories for the agent, and what the user answered. */
  private record Remembered(MemoryUse use, List<Json> entries, Consent.Answer consent) {
    static Remembered nothing(MemoryUse use, Consent.Answer consent) {
      return new Remembered(use, List.of(), consent);
    }
  }

  private Remembered remember(Exchange exchange, String message) throws InterruptedException {
    Deadline limit = Deadline.after(deadline).sooner(exchange.deadline());
    Exchange within = exchange.within(limit);
    String query = ServiceText.cut(ServiceText.trim(message), QUERY_CODE_POINTS);
    Consent.Answer answer = Consent.Answer.none();
    try (Branch<Consent.Answer> question = new Branch<>(() -> ask(within));
        Branch<MemoryCalls.Found> search =
            new Branch<>(() -> memory.nearest(within, query, MEMORIES))) {
      // Leaving this block ends the search: without consent its result is never used.
      answer = question.await(limit).orElse(answer);
      return switch (answer.status()) {
        case DENIED -> Remembered.nothing(MemoryUse.DENIED, answer);
        case UNAVAILABLE -> Remembered.nothing(MemoryUse.UNAVAILABLE, answer);
        case ALLOWED -> found(within, query, search.await(limit), answer);
      };
    } catch (ExecutionException failed) {
      return Remembered.nothing(MemoryUse.UNAVAILABLE, answer);
    }
  }

  private Remembered found(
      Exchange within, String query, Optional<MemoryCalls.Found> nearest, Consent.Answer answer)
      throws InterruptedException {
    if (nearest.isEmpty()) {
      return Remembered.nothing(MemoryUse.UNAVAILABLE, answer);
    }
    List<Json> entries = nearest.get().best();
    if (entries.size() < MEMORIES) {
      try {
        entries = memory.filledUp(within, query, MEMORIES, nearest.get()).best();
      } catch (ApiException noList) {
        if (entries.isEmpty()) {
          return Remembered.nothing(MemoryUse.UNAVAILABLE, answer);
        }
      }
    }
    return new Remembered(
        entries.isEmpty() ? MemoryUse.NONE : MemoryUse.USED,
        entries.stream().map(Conversation::trimmed).toList(),
        answer);
  }

  private Consent.Answer ask(Exchange exchange) throws InterruptedException {
    ConsentRule rule = exchange.consentRule();
    return consent.ask(exchange, rule.scopes(), rule.operation());
  }

  /** What the agent may see of a memory; other metadata stays behind. */
  private static Json trimmed(Json entry) {
    Json metadata = entry.at("metadata");
    Json.Builder shown =
        Json.object()
            .putPresent("content_type", metadata.at("content_type"))
            .putPresent("sensitivity_level", metadata.at("sensitivity_level"))
            .putPresent("created_at", metadata.at("created_at"));
    return Json.object()
        .putPresent("content", entry.at("content"))
        .putPresent("chunk_id", entry.at("chunk_id"))
        .putPresent("created_at", entry.at("created_at"))
        .put("metadata", shown)
        .build();
  }

  /** The tools that the agent says it used. */
  static Json toolCalls(Json metadata) {
    Json calls = metadata.at("tool_calls");
    if (calls.isArray()) {
      return Json.array(calls.items().stream().filter(Json::isObject).toList());
    }
    String name = metadata.at("tool_name").string();
    return name == null
        ? Json.array(List.of())
        : Json.array(List.of(Json.object().put("name", name).build()));
  }

  static Json meta(Exchange exchange, String sessionId, MemoryUse memory) {
    return Json.object()
        .put("trace_id", exchange.trace().traceId())
        .put("session_id", sessionId)
        .put("memory", memory.label())
        .build();
  }
}
