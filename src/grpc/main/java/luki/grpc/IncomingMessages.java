package luki.grpc;

import io.grpc.ClientCall;
import io.grpc.ServerCall;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Deadline;
import luki.gateway.http.ErrorCode;
import org.jspecify.annotations.Nullable;

/**
 * What a client sends in one call. The first message waits until the call is allowed; later ones go
 * on to the service as they come, each after its owner was checked, and none is asked for while the
 * service does not take more. Threads of the transport call it, and never wait.
 */
final class IncomingMessages extends ServerCall.Listener<byte[]> {
  private final ServerCall<byte[], byte[]> client;
  private final GrpcMethod method;
  private final CallState state;
  private byte @Nullable [] first;
  private @Nullable String user;
  private @Nullable ClientCall<byte[], byte[]> service;
  private boolean paused;
  private boolean halfClosed;

  /** Asks for the first message. */
  IncomingMessages(ServerCall<byte[], byte[]> client, GrpcMethod method, CallState state) {
    this.client = client;
    this.method = method;
    this.state = state;
    // A second one, to see that there is none.
    client.request(isSingle() ? 2 : 1);
  }

  private boolean isSingle() {
    return method.descriptor().getType().clientSendsOneMessage();
  }

  @Override
  public void onMessage(byte[] message) {
    state.change(() -> received(message));
  }

  @Override
  public void onHalfClose() {
    state.change(
        () -> {
          halfClosed = true;
          if (service != null && state.isOpen()) {
            service.halfClose();
          }
        });
  }

  @Override
  public void onCancel() {
    state.change(
        () -> {
          state.cancelled = true;
          endCall();
        });
  }

  @Override
  public void onReady() {
    state.change(() -> {});
  }

  private void received(byte[] message) {
    if (first == null && service == null) {
      first = message;
    } else if (isSingle()) {
      fail(ApiError.invalid("", "one_message"));
    } else if (service != null && state.isOpen()) {
      forward(message, service);
    }
  }

  private void forward(byte[] message, ClientCall<byte[], byte[]> to) {
    try {
      String named = ownerOf(message);
      if (method.owner() != null && (named == null || !named.equals(user))) {
        fail(method.invalidOwner(named == null ? "required" : "differs"));
        return;
      }
    } catch (OwnerReader.Malformed malformed) {
      fail(method.invalidOwner(malformed.rule()));
      return;
    }
    to.sendMessage(message);
    askForMore(to);
  }

  private void askForMore(ClientCall<byte[], byte[]> to) {
    paused = !to.isReady();
    if (!paused) {
      client.request(1);
    }
  }

  /** The service takes more. */
  void resume() {
    ClientCall<byte[], byte[]> to = service;
    if (paused && to != null && state.isOpen()) {
      askForMore(to);
    }
  }

  private void fail(ApiError because) {
    if (state.broken == null) {
      state.broken = because;
    }
    endCall();
  }

  private void endCall() {
    ClientCall<byte[], byte[]> to = service;
    if (to != null && state.isOpen()) {
      state.cancelledHere = true;
      to.cancel("the call has ended", null);
    }
  }

  private @Nullable String ownerOf(byte[] message) throws OwnerReader.Malformed {
    OwnerReader owner = method.owner();
    return owner == null ? null : owner.read(message);
  }

  /**
   * Waits for what the owner is read from: the only message and its end, or the first of a stream.
   *
   * @return the user whom it names, if any
   * @throws ApiException it did not come in time, or it is malformed
   */
  @Nullable String awaitUser(Deadline by) throws InterruptedException {
    state.await(by, () -> halfClosed || (first != null && !isSingle()));
    byte[] message = first;
    if (state.broken != null) {
      throw new ApiException(state.broken);
    }
    boolean enough = message != null && (halfClosed || !isSingle());
    if (!enough && (isSingle() || !halfClosed)) {
      throw new ApiException(
          halfClosed ? ApiError.invalid("", "message") : ApiError.of(ErrorCode.REQUEST_TIMEOUT));
    }
    try {
      user = message == null ? null : ownerOf(message);
      return user;
    } catch (OwnerReader.Malformed malformed) {
      throw new ApiException(method.invalidOwner(malformed.rule()));
    }
  }

  /** Bytes of the message that waits. */
  int waitingBytes() {
    byte[] message = first;
    return message == null ? 0 : message.length;
  }

  /** Sends what has come, and from now on what comes. With the lock of the call. */
  void passOnTo(ClientCall<byte[], byte[]> to) {
    service = to;
    byte[] message = first;
    if (message != null) {
      to.sendMessage(message);
    }
    if (halfClosed) {
      to.halfClose();
    } else if (message != null && !isSingle()) {
      askForMore(to);
    }
    // A message of a stream without an owner may come later.
    first = isSingle() ? message : null;
  }

  /** Ends the call to the service, unless it has ended. */
  void close() {
    state.change(this::endCall);
  }
}
