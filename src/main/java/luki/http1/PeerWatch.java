package luki.http1;

/** An exchange that can tell when its client leaves before the reply is complete. */
public interface PeerWatch {
  /**
   * Whether the client is known to have left. Without {@link #onGone} only a failed write tells.
   */
  boolean isGone();

  /**
   * Watches the connection from now on: a client that closes it, or its half of it, has left. The
   * connection serves no further request after this exchange.
   *
   * @param then run once, on another thread; at once if the client has left
   * @throws IllegalStateException the request body is not read to its end, the head of the reply
   *     was sent, or a watch is on already
   */
  void onGone(Runnable then);
}
