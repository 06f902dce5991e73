package luki.gateway.webhook;

import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.function.UnaryOperator;
import luki.gateway.json.Json;

/**
 * A call whose result is pushed to a webhook.
 *
 * @param json its state as it is stored, without content: what its owner sees, the keyed name of
 *     the owner, and until it has ended what {@link AccessCheck} needs
 */
record Job(Json json) {
  static final String PREFIX = "job_";
  private static final String DEFERRED = "deferred";

  /** How long a result is kept for its delivery, and after that the state for its caller. */
  static final Duration LIFETIME = Duration.ofHours(24);

  /** How far it has got. */
  enum State {
    /** The call is made. */
    RUNNING,
    /** The result waits for its delivery. */
    PENDING,
    DELIVERED,
    /** The receiver has not accepted it in time. */
    DEAD,
    /** It is not to be delivered any more. */
    DROPPED;

    boolean isOpen() {
      return this == RUNNING || this == PENDING;
    }
  }

  static Job accepted(String id, String owner, String webhook, String operation, Instant now) {
    return new Job(
            Json.object()
                .put("job_id", id)
                .put("operation", operation)
                .put("webhook_id", webhook)
                .put("created_at", now.toString())
                .put("owner", owner)
                .put("attempts", 0)
                .build())
        .in(State.RUNNING, now);
  }

  /** Whether an entry is a job that has not ended. */
  static boolean isOpen(Json entry) {
    return !entry.at("job_id").isMissing() && new Job(entry).state().isOpen();
  }

  String id() {
    return json.at("job_id").string("");
  }

  String owner() {
    return json.at("owner").string("");
  }

  String webhook() {
    return json.at("webhook_id").string("");
  }

  State state() {
    return State.valueOf(json.at("state").string("").toUpperCase(Locale.ROOT));
  }

  int attempts() {
    return (int) json.at("attempts").integer().orElse(0);
  }

  private Instant time(String name) {
    return Instant.parse(json.at(name).string(""));
  }

  boolean isDue(Instant now) {
    return !now.isBefore(time("next_attempt_at"));
  }

  /** Its result is to be erased. */
  boolean isExpired(Instant now) {
    return !now.isBefore(time("created_at").plus(LIFETIME));
  }

  /** Its caller has had the time to see how it ended. */
  boolean isForgotten(Instant now) {
    return !state().isOpen() && !now.isBefore(time("updated_at").plus(LIFETIME));
  }

  Job in(State state, Instant now) {
    Json.Builder changed =
        json.toBuilder()
            .put("state", state.name().toLowerCase(Locale.ROOT))
            .put("updated_at", now.toString())
            .remove("next_attempt_at")
            .remove(DEFERRED);
    return new Job((state.isOpen() ? changed : changed.remove("access")).build());
  }

  /** The change to this from one state; in another one the job is left as it is. */
  UnaryOperator<Json> from(State state) {
    return before -> new Job(before).state() == state ? json : before;
  }

  Job because(String reason) {
    return reason.isEmpty() ? this : new Job(json.toBuilder().put("reason", reason).build());
  }

  Job attempted() {
    return new Job(json.toBuilder().put("attempts", attempts() + 1L).build());
  }

  /** With what {@link AccessCheck} needs. */
  Job of(Json access) {
    return new Job(json.toBuilder().put("access", access).build());
  }

  Job pendingUntil(Instant next, Instant now) {
    return new Job(
        in(State.PENDING, now).json.toBuilder().put("next_attempt_at", next.toString()).build());
  }

  /** One that waits for something else than its receiver. */
  Job deferred() {
    return new Job(json.toBuilder().put(DEFERRED, true).build());
  }

  boolean isDeferred() {
    return json.at(DEFERRED).isTrue();
  }

  /** What its owner sees, without the result. */
  Json.Builder shown() {
    return json.toBuilder().remove("owner").remove("access").remove(DEFERRED);
  }
}
