package luki.gateway.http;

import org.jspecify.annotations.Nullable;

/**
 * How the sending of a reply ended.
 *
 * @param bytes of the body that were handed to the socket
 * @param streamError the error that a stream ended with after its status had gone out
 */
public record Delivery(End end, long bytes, @Nullable ErrorCode streamError) {
  /** Whole; the reader left; or the gateway broke off because the source did. */
  public enum End {
    COMPLETE,
    CLIENT_CLOSED,
    ABORTED
  }
}
