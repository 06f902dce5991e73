package luki.gateway.chaos;

import java.net.http.HttpClient;
import luki.gateway.chaos.Caller.Sent;
import org.jspecify.annotations.Nullable;

/** What callers call, and who judges what they see. */
interface Load {
  /** How many addresses there are. */
  default int gateways() {
    return 1;
  }

  /** The address of one of them, without a path. */
  String url(int gateway);

  /** What all callers send with; null where each has a connection of its own. */
  default @Nullable HttpClient client() {
    return null;
  }

  String key(int caller);

  /** Where the results of a caller's jobs go. */
  default String webhook(int caller) {
    throw new UnsupportedOperationException();
  }

  boolean isOver();

  /** Called once for each request whose status arrived. */
  void answered(Sent sent, int status);

  /** A reply, or the end of a stream, that says that the request has failed. */
  void failed(Sent sent, String what);

  /** The request got something that is billed. */
  default void billed(Sent sent) {}

  /** The request is a job, whose result comes later. */
  default void accepted(int caller, Sent sent, String job) {}

  /** What must never happen. */
  void broken(Sent sent, String what);

  /** Waits before the next request. */
  default void pace() throws InterruptedException {}
}
