package luki.gateway.http;

import org.jspecify.annotations.Nullable;

/**
 * How the sending of a reply ended.
 *
 * @param bytes of the body that were handed to the socket
 * @param streamError the error that a stream ended with after its status was sent
 */
public record Delivery(End end, long bytes, @Nullable ErrorCode streamError) {
  /** Complete; the client left; or the gateway aborted because the source failed. */
  public enum End {
    COMPLETE,
    CLIENT_CLOSED,
    ABORTED
  }
}
