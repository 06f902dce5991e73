package luki.gateway.ticket;

import java.time.Duration;
import luki.gateway.http.ApiException;
import org.jspecify.annotations.Nullable;

/** Tickets that were issued and not used yet. */
public interface TicketStore extends AutoCloseable {
  /** How long a ticket can be used. */
  Duration LIFETIME = Duration.ofSeconds(30);

  /**
   * Keeps a ticket for {@link #LIFETIME}.
   *
   * @param id a hash of the ticket, 32 hex digits
   * @throws ApiException there is no room, or the store is unavailable
   */
  void put(String id, byte[] sealed);

  /**
   * Takes a ticket out: of several callers one gets it.
   *
   * @return null where there is none of that id
   * @throws ApiException the store is unavailable
   */
  byte @Nullable [] take(String id);

  @Override
  default void close() {}
}
