package luki.gateway.ticket;

import static luki.gateway.http.PercentCoding.encode;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.Objects;
import java.util.StringJoiner;
import luki.gateway.http.ApiException;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.http.Sha256;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.keys.Sealer;
import luki.http1.AsciiSet;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/**
 * Issues stream tickets and redeems them: what a page in a browser presents in a URL where it
 * cannot set headers, once, within half a minute, for one path and one query. What a ticket stands
 * for is encrypted by a key that is a hash of the ticket, and stored under another hash of it: who
 * reads the store learns neither the credential nor what the user says.
 */
public record Tickets(Store store, SecureRandom random) implements Handler.Completes {
  private static final int SECRET_BYTES = 32;
  private static final int ID_HEX = 32;
  private static final int LENGTH = 43;
  private static final AsciiSet CHARACTERS = AsciiSet.alphanumericAnd("-_");

  /** Tickets that were issued and not used yet. */
  public interface Store extends AutoCloseable {
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

  /**
   * What a ticket stands for.
   *
   * @param path of the only operation that takes it
   * @param header the name of the credential's header
   * @param credential the value of that header
   * @param query of the request, encoded
   */
  public record Grant(String path, String header, String credential, String query) {}

  /** Issues a ticket for the caller's own credential and the query that it names. */
  @Override
  public Response handle(Exchange exchange) {
    Json body = exchange.json();
    StringJoiner query = new StringJoiner("&");
    body.at("parameters")
        .members()
        .forEach((name, value) -> query.add(encode(name) + "=" + encode(value.string(""))));
    Fields headers = exchange.request().headers();
    String header = headers.has("X-API-Key") ? "X-API-Key" : "Authorization";
    String credential = Objects.requireNonNull(headers.first(header), "authenticated without one");
    String path = body.at("path").string("");
    String ticket = issue(new Grant(path, header, credential, query.toString()));
    return Response.json(
        201,
        Json.object()
            .put("ticket", ticket)
            .put("url", path + "?ticket=" + ticket)
            .put("expires_in_s", Store.LIFETIME.toSeconds()));
  }

  /** Issues a ticket, a text of 43 characters. */
  public String issue(Grant grant) {
    byte[] secret = new byte[SECRET_BYTES];
    random.nextBytes(secret);
    String ticket = Base64.getUrlEncoder().withoutPadding().encodeToString(secret);
    Json json =
        Json.object()
            .put("path", grant.path)
            .put("header", grant.header)
            .put("credential", grant.credential)
            .put("query", grant.query)
            .build();
    store.put(id(ticket), sealer(ticket).seal(json.bytes(), id(ticket)));
    return ticket;
  }

  /** Whether a text has the form of a ticket. */
  public static boolean isTicket(String text) {
    return text.length() == LENGTH && CHARACTERS.containsAll(text, 0, LENGTH);
  }

  /** What a ticket stands for; null where it is unknown, used, expired, or for another path. */
  public @Nullable Grant redeem(String ticket, String path) {
    byte[] sealed = store.take(id(ticket));
    if (sealed == null) {
      return null;
    }
    try {
      Json json = Json.parse(sealer(ticket).open(sealed, id(ticket)));
      Grant grant =
          new Grant(
              json.at("path").string(""),
              json.at("header").string(""),
              json.at("credential").string(""),
              json.at("query").string(""));
      return grant.path.equals(path) ? grant : null;
    } catch (InvalidJson | IllegalStateException notOurs) {
      // Sealed by another version of the gateway, or changed in Redis.
      return null;
    }
  }

  /** How a ticket shows in the store. */
  private static String id(String ticket) {
    return Sha256.of("ticket-id:" + ticket).substring(0, ID_HEX);
  }

  private Sealer sealer(String ticket) {
    return Sealer.derived(ticket, "ticket", random);
  }
}
