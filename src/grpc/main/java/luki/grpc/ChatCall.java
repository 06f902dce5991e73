package luki.grpc;

import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.Deadline;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Request;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Delivery;
import luki.gateway.http.Upstream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.v1.ChatRequest;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/** One chat: a request to an operation of the contract, whose reply becomes messages. */
final class ChatCall extends ServerCall.Listener<ChatRequest> {
  private static final Duration CHECK_INTERVAL = Duration.ofMillis(500);

  private final GrpcGateway gateway;
  private final ServerCall<ChatRequest, ?> call;
  private final Metadata headers;
  private final ChatReplies replies;
  private final CallState state = new CallState();
  private @Nullable ChatRequest message;
  private @Nullable Thread calling;
  private Body.@Nullable Source source;
  private long bytes;

  /** Asks for the message, and a second one, to see that there is none. */
  ChatCall(
      GrpcGateway gateway, ServerCall<ChatRequest, ?> call, Metadata headers, ChatReplies replies) {
    this.gateway = gateway;
    this.call = call;
    this.headers = headers;
    this.replies = replies;
    call.request(2);
  }

  @Override
  public void onMessage(ChatRequest next) {
    state.change(
        () -> {
          if (message != null) {
            state.broken = ApiError.invalid("", "one_message");
          }
          message = next;
        });
  }

  @Override
  public void onHalfClose() {
    gateway.run(call, this::run);
  }

  @Override
  public void onReady() {
    state.change(() -> {});
  }

  @Override
  public void onCancel() {
    state.change(
        () -> {
          state.cancelled = true;
          if (source != null) {
            source.probe();
          } else if (calling != null) {
            calling.interrupt();
          }
        });
  }

  private void run() {
    ChatRequest request = state.read(() -> state.broken == null ? message : null);
    if (request == null) {
      Replies.close(call, ApiError.invalid("", "one_message"), null, new Metadata());
      return;
    }
    try (ByteBudget.Lease memory = gateway.host().memory().lease();
        ByteBudget.Lease values = gateway.host().memory().lease()) {
      if (!memory.tryTake(request.getSerializedSize())
          || !values.tryTake(Json.memoryOf(request.getContextJsonBytes().toByteArray()))) {
        Replies.close(call, ApiError.retrySoon(ErrorCode.OVERLOADED), null, new Metadata());
        return;
      }
      Request asked = operation(request);
      // The values of the context live only until the body is made.
      values.clear();
      state.change(() -> calling = state.cancelled ? null : Thread.currentThread());
      if (isCancelled()) {
        return;
      }
      Response response = gateway.dispatcher().dispatch(asked, replies.target(), memory);
      state.change(() -> called(response));
      Delivery sent =
          new Delivery(Delivery.End.ABORTED, response.status(), bytes, ErrorCode.INTERNAL);
      try {
        sent = deliver(response);
      } finally {
        response.onComplete().accept(sent);
      }
    }
  }

  private Request operation(ChatRequest request) {
    byte[] body = ChatReplies.body(request).bytes();
    Request made =
        GrpcGateway.request(
            call, headers, new Request.Input(new ByteArrayInputStream(body), body.length));
    return new Request(
        made.method(),
        made.query(),
        made.headers().with("Accept", replies.accepts()),
        made.body(),
        made.peer(),
        made.onBodyRead());
  }

  /** From now on its thread sends, and must not be interrupted. */
  private void called(Response response) {
    calling = null;
    boolean _ = Thread.interrupted();
    source = response.body() instanceof Body.Stream stream ? stream.source() : null;
  }

  private boolean isCancelled() {
    return state.read(() -> state.cancelled);
  }

  private Delivery deliver(Response response) {
    Body.Source events = source;
    try (events) {
      if (isCancelled()) {
        return new Delivery(Delivery.End.CLIENT_CLOSED, Delivery.UNANSWERED, 0, null);
      }
      ApiError refusal = response.outcome().refusal();
      Metadata added = new Metadata();
      Replies.addTo(added, response.headers());
      if (refusal != null) {
        Replies.close(call, refusal, null, added);
        return new Delivery(Delivery.End.COMPLETE, response.status(), 0, null);
      }
      call.sendHeaders(added);
      return events == null ? whole(response) : streamed(events, response);
    } catch (IOException | InvalidJson broken) {
      Replies.close(call, failed(ErrorCode.DOWNSTREAM_ERROR), null, new Metadata());
      return new Delivery(Delivery.End.ABORTED, 200, bytes, ErrorCode.DOWNSTREAM_ERROR);
    } catch (InterruptedException stopping) {
      Replies.close(call, ApiError.of(ErrorCode.DRAINING), null, new Metadata());
      return new Delivery(Delivery.End.ABORTED, 200, bytes, ErrorCode.DRAINING);
    }
  }

  private Delivery whole(Response response) throws InvalidJson {
    send(Body.bytesOf(response.body()));
    call.close(Status.OK, new Metadata());
    return new Delivery(Delivery.End.COMPLETE, 200, bytes, null);
  }

  private Delivery streamed(Body.Source events, Response response)
      throws IOException, InterruptedException, InvalidJson {
    byte[] event = events.next();
    while (event != null && !isCancelled()) {
      awaitReady();
      String text = new String(event, StandardCharsets.UTF_8);
      int data = text.indexOf("data: ");
      if (data >= 0 && text.startsWith("event: error")) {
        return error(events.failure(), response);
      }
      if (data >= 0) {
        send(text.substring(data + "data: ".length()).getBytes(StandardCharsets.UTF_8));
      }
      event = events.next();
    }
    if (isCancelled()) {
      return new Delivery(Delivery.End.CLIENT_CLOSED, 200, bytes, null);
    }
    call.close(Status.OK, new Metadata());
    return new Delivery(Delivery.End.COMPLETE, 200, bytes, null);
  }

  private Delivery error(@Nullable ErrorCode failure, Response response) {
    ErrorCode code = failure == null ? ErrorCode.INTERNAL : failure;
    Metadata trailers = new Metadata();
    Replies.addTo(trailers, response.headers());
    Replies.close(call, failed(code), null, trailers);
    return new Delivery(Delivery.End.COMPLETE, 200, bytes, code);
  }

  private static ApiError failed(ErrorCode code) {
    return code.name().startsWith("DOWNSTREAM_")
        ? new ApiError.FromUpstream(Upstream.AGENT, code)
        : ApiError.of(code);
  }

  /** A slow client slows the agent down: nothing is taken from it meanwhile. */
  private void awaitReady() throws InterruptedException {
    while (!call.isReady() && !isCancelled() && !gateway.host().lifecycle().streamsMustEnd()) {
      state.await(Deadline.after(CHECK_INTERVAL), call::isReady);
    }
  }

  private void send(byte[] json) throws InvalidJson {
    replies.send(Json.parseReply(json));
    bytes += json.length;
  }
}
