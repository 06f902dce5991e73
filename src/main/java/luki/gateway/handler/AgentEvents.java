package luki.gateway.handler;

import java.time.Duration;
import luki.gateway.http.ApiError;
import luki.gateway.http.Deadline;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Upstream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.upstream.EventFeed;
import luki.gateway.upstream.EventParser;
import luki.gateway.upstream.Reply;
import luki.gateway.upstream.Upstreams;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/** The agent's stream as what it means: tokens, then done, or an error. */
final class AgentEvents implements AutoCloseable {
  // Shorter events are part of what each stream takes.
  private static final int SMALL = 512;
  static final ApiError NONSENSE = Upstreams.nonsense(Upstream.AGENT);

  final EventFeed feed;
  private final ByteBudget.Lease memory;
  private long held;

  AgentEvents(EventFeed feed, ByteBudget.Lease memory) {
    this.feed = feed;
    this.memory = memory;
  }

  /** One event of the agent that has a meaning here. */
  sealed interface Event {
    record Token(String text) implements Event {}

    record Done(Json toolCalls) implements Event {}

    record Failed(ApiError error) implements Event {}
  }

  /**
   * The next event that has a meaning; null if none comes in that time or before a wake-up. The
   * event before it is used no more.
   */
  @Nullable Event poll(Duration wait) throws InterruptedException {
    memory.give(held);
    held = 0;
    Deadline deadline = Deadline.after(wait);
    EventFeed.Item item = feed.poll(wait);
    while (item != null && !(item instanceof EventFeed.Item.Wake)) {
      Event event =
          switch (item) {
            case EventFeed.Item.Failed(ApiError error) -> new Event.Failed(error);
            // The agent always says that it is done; an end without it is a broken answer.
            case EventFeed.Item.End _ -> new Event.Failed(NONSENSE);
            case EventFeed.Item.Data(EventParser.Event data) -> meaning(data.bytes());
            case EventFeed.Item.Wake _ -> null;
          };
      if (event != null) {
        return event;
      }
      // An agent may send what means nothing faster than it is read.
      item = deadline.hasPassed() ? null : feed.poll(deadline.left());
    }
    return null;
  }

  private @Nullable Event meaning(byte[] data) {
    if (data.length == 0) {
      return null;
    }
    Json json;
    long needed = data.length < SMALL ? 0 : Reply.memoryToUse(data);
    if (!memory.tryTake(needed)) {
      return new Event.Failed(ApiError.retrySoon(ErrorCode.OVERLOADED));
    }
    held += needed;
    try {
      json = Json.parseEvent(data);
    } catch (InvalidJson notJson) {
      return new Event.Failed(NONSENSE);
    }
    if (!json.isObject() || !json.at("error").isMissing()) {
      return new Event.Failed(NONSENSE);
    }
    Json token = json.at("token");
    if (!token.isMissing()) {
      String text = token.string();
      return text == null ? new Event.Failed(NONSENSE) : new Event.Token(text);
    }
    return json.at("done").isTrue()
        ? new Event.Done(Conversation.toolCalls(json.at("metadata")))
        : null;
  }

  @Override
  public void close() {
    feed.close();
  }
}
