package luki.grpc;

import com.google.protobuf.Message;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.protobuf.ProtoFileDescriptorSupplier;
import io.grpc.protobuf.ProtoUtils;
import luki.gateway.v1.ChatEvent;
import luki.gateway.v1.ChatOuterClass;
import luki.gateway.v1.ChatReply;
import luki.gateway.v1.ChatRequest;

/** The typed door {@code luki.gateway.v1.Chat}: the chat operations of the contract. */
final class ChatService {
  static final String NAME = "luki.gateway.v1.Chat";
  static final MethodDescriptor<ChatRequest, ChatReply> CHAT =
      method(MethodType.UNARY, "Chat", ChatReply.getDefaultInstance());
  static final MethodDescriptor<ChatRequest, ChatEvent> CHAT_STREAM =
      method(MethodType.SERVER_STREAMING, "ChatStream", ChatEvent.getDefaultInstance());

  private ChatService() {}

  private static <R extends Message> MethodDescriptor<ChatRequest, R> method(
      MethodType type, String name, R reply) {
    return MethodDescriptor.<ChatRequest, R>newBuilder()
        .setType(type)
        .setFullMethodName(MethodDescriptor.generateFullMethodName(NAME, name))
        .setRequestMarshaller(ProtoUtils.marshaller(ChatRequest.getDefaultInstance()))
        .setResponseMarshaller(ProtoUtils.marshaller(reply))
        .build();
  }

  static ServerServiceDefinition of(GrpcGateway gateway) {
    ProtoFileDescriptorSupplier file = ChatOuterClass::getDescriptor;
    ServiceDescriptor descriptor =
        ServiceDescriptor.newBuilder(NAME)
            .setSchemaDescriptor(file)
            .addMethod(CHAT)
            .addMethod(CHAT_STREAM)
            .build();
    return ServerServiceDefinition.builder(descriptor)
        .addMethod(
            CHAT, (call, headers) -> start(gateway, call, headers, new ChatReplies.Whole(call)))
        .addMethod(
            CHAT_STREAM,
            (call, headers) -> start(gateway, call, headers, new ChatReplies.Events(call)))
        .build();
  }

  private static <R> ServerCall.Listener<ChatRequest> start(
      GrpcGateway gateway, ServerCall<ChatRequest, R> call, Metadata headers, ChatReplies replies) {
    return new ChatCall(gateway, call, headers, replies);
  }
}
