package luki.grpc;

import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * What a service sends in one call. A message is asked for when the one before it was taken, so
 * there is one here at most; of a method with one reply a second is asked for, to see that there is
 * none.
 */
final class ServiceReplies extends ClientCall.Listener<byte[]> {
  private final CallState state;
  private final IncomingMessages requests;
  private final Deque<byte[]> messages = new ArrayDeque<>(2);
  private @Nullable Metadata head;
  private @Nullable Status end;
  private @Nullable Metadata trailers;

  ServiceReplies(CallState state, IncomingMessages requests) {
    this.state = state;
    this.requests = requests;
  }

  @Override
  public void onHeaders(Metadata headers) {
    state.change(() -> head = headers);
  }

  @Override
  public void onMessage(byte[] message) {
    state.change(() -> messages.add(message));
  }

  @Override
  public void onClose(Status status, Metadata last) {
    state.change(
        () -> {
          end = isTooLong(status) ? Status.INTERNAL : status;
          trailers = last;
          state.serviceEnded = true;
        });
  }

  /** The library's own refusal of a message, which is no status of the service. */
  private static boolean isTooLong(Status status) {
    String text = status.getDescription();
    return status.getCode() == Status.Code.RESOURCE_EXHAUSTED
        && text != null
        && text.startsWith("gRPC message exceeds maximum size");
  }

  @Override
  public void onReady() {
    state.change(requests::resume);
  }

  /** Whether what is known decides how the reply begins. With the lock of the call. */
  boolean hasBegun(boolean single) {
    return end != null || (!single && (head != null || !messages.isEmpty()));
  }

  /**
   * Whether there is something to send, or the end. With the lock of the call.
   *
   * @param ready the client takes a message
   */
  boolean hasNext(boolean ready) {
    return messages.isEmpty() ? end != null : ready;
  }

  /** How many messages wait. */
  int waiting() {
    return messages.size();
  }

  byte @Nullable [] poll() {
    return messages.poll();
  }

  @Nullable Metadata head() {
    return head;
  }

  @Nullable Status end() {
    return end;
  }

  @Nullable Metadata trailers() {
    return trailers;
  }
}
