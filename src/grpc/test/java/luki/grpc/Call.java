package luki.grpc;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import luki.gateway.testing.Waiting;

/** A call of any kind, whose messages a test sends and asks for one by one. */
final class Call<Q, R> extends ClientCall.Listener<R> {
  private static final Duration LONGEST = Duration.ofSeconds(20);

  final ClientCall<Q, R> call;
  final List<R> replies = new CopyOnWriteArrayList<>();
  volatile Metadata head;
  volatile Status status;
  volatile Metadata trailers;

  private Call(ClientCall<Q, R> call) {
    this.call = call;
  }

  static <Q, R> Call<Q, R> begin(Channel by, MethodDescriptor<Q, R> method) {
    return begin(by, method, CallOptions.DEFAULT);
  }

  static <Q, R> Call<Q, R> begin(Channel by, MethodDescriptor<Q, R> method, CallOptions options) {
    Call<Q, R> begun = new Call<>(by.newCall(method, options));
    begun.call.start(begun, new Metadata());
    return begun;
  }

  Call<Q, R> send(Q message) {
    call.sendMessage(message);
    return this;
  }

  Call<Q, R> ask(int messages) {
    call.request(messages);
    return this;
  }

  Call<Q, R> end() {
    call.halfClose();
    return this;
  }

  void awaitReplies(int count) {
    Waiting.until(
        LONGEST,
        () -> {
          if (status != null && replies.size() < count) {
            throw new AssertionError("ended: " + status);
          }
          return replies.size() >= count;
        });
  }

  Site.Failure failure() {
    Waiting.until(LONGEST, () -> status != null);
    return Site.Failure.of(new StatusRuntimeException(status, trailers));
  }

  @Override
  public void onHeaders(Metadata headers) {
    head = headers;
  }

  @Override
  public void onMessage(R message) {
    replies.add(message);
  }

  @Override
  public void onClose(Status end, Metadata last) {
    trailers = last;
    status = end;
  }
}
