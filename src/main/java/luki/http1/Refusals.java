package luki.http1;

import java.net.InetAddress;

/** Decides what a refused message is answered, and is the place to count and log it. */
@FunctionalInterface
public interface Refusals {
  /**
   * What is known of it.
   *
   * @param method "" where the message was refused before that was known
   * @param nanos since its first byte
   * @param peer the other end of the connection
   */
  record Refused(BadMessage.Reason reason, String method, long nanos, InetAddress peer) {}

  /**
   * What to send; the connection is closed after it.
   *
   * @param fields without the length and the connection, which are added
   * @param body sent as UTF-8
   */
  record Answer(int status, Fields fields, String body) {}

  /** Asked exactly once for each refused message. Must not block or throw. */
  Answer answer(Refused refused);

  /** Answers with the status alone. */
  static Refusals bare() {
    return refused -> new Answer(refused.reason().status(), Fields.NONE, "");
  }
}
