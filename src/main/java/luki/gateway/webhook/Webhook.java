package luki.gateway.webhook;

import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import luki.gateway.delivery.Signatures;
import luki.gateway.json.Json;

/**
 * An address to which a caller wants results pushed. It is paused once it has answered 410, until a
 * test is accepted.
 *
 * @param json its state as it is stored: what its owner sees, the keyed name of the owner, and the
 *     secrets
 */
record Webhook(Json json) {
  static final String PREFIX = "wh_";

  /** How long a secret that was rotated signs beside its successor. */
  static final Duration GRACE = Duration.ofHours(24);

  private static final int KEPT_ATTEMPTS = 20;
  private static final int SECRET_BYTES = 32;

  static Webhook of(String id, String owner, String url, String secret, Instant now) {
    return new Webhook(
        Json.object()
            .put("id", id)
            .put("url", url)
            .put("created_at", now.toString())
            .put("owner", owner)
            .put("secrets", Json.strings(List.of(secret)))
            .put("attempts", Json.array(List.of()))
            .build());
  }

  /** Whether an entry is one. */
  static boolean isOne(Json entry) {
    return !entry.at("url").isMissing();
  }

  static String newSecret(SecureRandom random) {
    byte[] bytes = new byte[SECRET_BYTES];
    random.nextBytes(bytes);
    return Signatures.SECRET_PREFIX + Base64.getEncoder().encodeToString(bytes);
  }

  String id() {
    return json.at("id").string("");
  }

  String url() {
    return json.at("url").string("");
  }

  boolean isPaused() {
    return !json.at("paused").isMissing();
  }

  /** What signs now, the newest first. */
  List<String> secretsAt(Instant now) {
    List<String> all = json.at("secrets").items().stream().map(each -> each.string("")).toList();
    String until = json.at("previous_valid_until").string();
    boolean both = until != null && now.isBefore(Instant.parse(until));
    return both ? all : all.subList(0, 1);
  }

  /** With another secret, beside which only the last one goes on for a while. */
  Json rotated(String secret, Instant now) {
    String last = json.at("secrets").at(0).string("");
    return json.toBuilder()
        .put("secrets", Json.strings(List.of(secret, last)))
        .put("previous_valid_until", now.plus(GRACE).toString())
        .build();
  }

  /** Without its secrets. */
  @Override
  public String toString() {
    return id();
  }

  /** What its owner sees. */
  Json.Builder shown() {
    return json.toBuilder().remove("owner").remove("secrets");
  }

  /** One push: of which message, when, the status (0 without a reply), how long that took. */
  record Attempt(String message, Instant at, int status, long millis) {
    boolean isAccepted() {
      return status >= 200 && status <= 299;
    }

    /** A webhook with it in its log, where that is still there. */
    Json addedTo(Json webhook) {
      if (webhook.isMissing()) {
        return webhook;
      }
      List<Json> all = new ArrayList<>(webhook.at("attempts").items());
      all.add(json());
      List<Json> kept = all.subList(Math.max(0, all.size() - KEPT_ATTEMPTS), all.size());
      Json.Builder changed = webhook.toBuilder().put("attempts", Json.array(kept));
      if (isAccepted()) {
        changed.remove("paused");
      } else if (status == 410) {
        // Standard Webhooks: no more is wanted.
        changed.put("paused", "gone");
      }
      return changed.build();
    }

    Json json() {
      return Json.object()
          .put("id", message)
          .put("at", at.toString())
          .put("status", status)
          .put("latency_ms", millis)
          .build();
    }
  }
}
