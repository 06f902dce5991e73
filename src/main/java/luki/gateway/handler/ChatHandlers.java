package luki.gateway.handler;

import java.util.Map;
import java.util.function.Predicate;
import java.util.function.Supplier;
import luki.gateway.config.GatewayFile;
import luki.gateway.consent.Consent;
import luki.gateway.consent.ConsentWatch;
import luki.gateway.http.Handler;
import luki.gateway.http.Principal;
import luki.gateway.observe.Lifecycle;
import luki.gateway.observe.Metrics;
import luki.gateway.upstream.Upstreams;

/** Chat in one reply and as events. */
public final class ChatHandlers {
  private final Parts parts;

  /**
   * What both handlers need.
   *
   * @param stillGood whether a caller's credential is still valid while a stream goes on
   */
  record Parts(
      Upstreams upstreams,
      Conversation conversation,
      Supplier<String> sessionIds,
      GatewayFile.Streams limits,
      Lifecycle lifecycle,
      Predicate<Principal> stillGood,
      ConsentWatch consentWatch,
      Metrics metrics) {}

  public ChatHandlers(
      Upstreams upstreams,
      Consent consent,
      GatewayFile file,
      Lifecycle lifecycle,
      Predicate<Principal> stillGood,
      Metrics metrics,
      Supplier<String> sessionIds) {
    this.parts =
        new Parts(
            upstreams,
            new Conversation(upstreams, consent, file.chatMemoryDeadline()),
            sessionIds,
            file.streams(),
            lifecycle,
            stillGood,
            new ConsentWatch(consent),
            metrics);
  }

  /** By the names that the contract uses. */
  public Map<String, Handler> byName() {
    return Map.of("chat", new ChatHandler(parts), "chat-stream", new ChatStreamHandler(parts));
  }
}
