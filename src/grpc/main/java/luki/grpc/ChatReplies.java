package luki.grpc;

import io.grpc.ServerCall;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.v1.ChatEvent;
import luki.gateway.v1.ChatReply;
import luki.gateway.v1.ChatRequest;
import luki.gateway.v1.Done;
import luki.gateway.v1.Meta;

/** How replies of the chat operations become messages. */
sealed interface ChatReplies {
  /** The operation. */
  String target();

  /** What it produces. */
  String accepts();

  /** Sends the JSON of the reply, or of an event. */
  void send(Json json);

  /** The answer in one message. */
  record Whole(ServerCall<ChatRequest, ChatReply> call) implements ChatReplies {
    @Override
    public String target() {
      return "/v1/chat";
    }

    @Override
    public String accepts() {
      return "application/json";
    }

    @Override
    public void send(Json json) {
      ChatReply.Builder reply =
          ChatReply.newBuilder().setText(json.at("text").string("")).setMeta(meta(json));
      json.at("tool_calls").items().forEach(each -> reply.addToolCallsJson(each.toString()));
      call.sendMessage(reply.build());
    }
  }

  /** The answer as it comes. */
  record Events(ServerCall<ChatRequest, ChatEvent> call) implements ChatReplies {
    @Override
    public String target() {
      return "/v1/chat/stream";
    }

    @Override
    public String accepts() {
      return "text/event-stream";
    }

    @Override
    public void send(Json json) {
      ChatEvent.Builder event = ChatEvent.newBuilder();
      if (json.at("done").isTrue()) {
        Done.Builder done = Done.newBuilder().setMeta(meta(json));
        json.at("tool_calls").items().forEach(each -> done.addToolCallsJson(each.toString()));
        event.setDone(done);
      } else {
        event.setToken(json.at("token").string(""));
      }
      call.sendMessage(event.build());
    }
  }

  private static Meta meta(Json json) {
    Json meta = json.at("meta");
    return Meta.newBuilder()
        .setTraceId(meta.at("trace_id").string(""))
        .setSessionId(meta.at("session_id").string(""))
        .setMemory(meta.at("memory").string(""))
        .build();
  }

  /** The body of a request to the operation; the contract's schema judges it. */
  static Json body(ChatRequest request) {
    Json.Builder body =
        Json.object().put("user_id", request.getUserId()).put("message", request.getMessage());
    if (!request.getSessionId().isEmpty()) {
      body.put("session_id", request.getSessionId());
    }
    if (!request.getPersonaId().isEmpty()) {
      body.put("persona_id", request.getPersonaId());
    }
    if (!request.getContextJson().isEmpty()) {
      body.put("context", context(request));
    }
    return body.build();
  }

  /** Text that is no JSON stays text, which the schema refuses. */
  private static Json context(ChatRequest request) {
    try {
      return Json.parse(request.getContextJsonBytes().toByteArray());
    } catch (InvalidJson invalid) {
      return Json.of(request.getContextJson());
    }
  }
}
