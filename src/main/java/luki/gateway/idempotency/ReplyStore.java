package luki.gateway.idempotency;

import java.time.Duration;

/** The requests with an Idempotency-Key that are in progress, and the replies to earlier ones. */
public interface ReplyStore extends AutoCloseable {
  /** How long a reply is kept. */
  Duration LIFETIME = Duration.ofHours(24);

  /**
   * One request with a key.
   *
   * @param caller a keyed hash of its caller
   * @param id a keyed hash of caller and key, 32 hex digits
   * @param request a keyed hash of what is asked for, 64 hex digits
   * @param attempt unique
   */
  record Entry(String caller, String id, String request, String attempt) {}

  /** What is known of a key. */
  sealed interface Claim {
    /** Nothing yet. The claimant must call {@link #keep} or {@link #free}. */
    record First() implements Claim {}

    /** The same request is in progress. */
    record InProgress() implements Claim {}

    /** The key was used for another request. */
    record Mismatch() implements Claim {}

    /** It cannot be known, and the settings say that no call is admitted then. */
    record Unavailable() implements Claim {}

    /** The reply to the same request, encrypted. */
    final class Kept implements Claim {
      private final byte[] sealed;

      public Kept(byte[] sealed) {
        this.sealed = sealed;
      }

      /** The bytes must not be changed. */
      public byte[] sealed() {
        return sealed;
      }
    }
  }

  /** The longest encrypted reply that is kept, in bytes. */
  int maxBytes();

  Claim claim(Entry entry);

  /** Ends a claim with its reply, which is not longer than {@link #maxBytes}. */
  void keep(Entry entry, byte[] sealed);

  /** Ends a claim without a reply: the key can be used again. */
  void free(Entry entry);

  @Override
  void close();
}
