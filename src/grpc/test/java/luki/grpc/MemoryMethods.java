package luki.grpc;

import com.google.protobuf.Message;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.protobuf.ProtoUtils;
import luki.memory.v1.BatchSearchReply;
import luki.memory.v1.BatchSearchRequest;
import luki.memory.v1.ContextReply;
import luki.memory.v1.ContextRequest;
import luki.memory.v1.CountReply;
import luki.memory.v1.CountRequest;
import luki.memory.v1.IngestReply;
import luki.memory.v1.IngestRequest;
import luki.memory.v1.IngestSummary;
import luki.memory.v1.MemoryItem;
import luki.memory.v1.Preferences;
import luki.memory.v1.PreferencesRequest;
import luki.memory.v1.SearchReply;
import luki.memory.v1.SearchRequest;
import luki.memory.v1.Session;
import luki.memory.v1.SessionRequest;
import luki.memory.v1.SetPreferencesRequest;
import luki.memory.v1.WatchRequest;

/** The methods of {@code luki.memory.v1.Memory}, for clients and for the stand-in. */
final class MemoryMethods {
  static final String SERVICE = "luki.memory.v1.Memory";

  static final MethodDescriptor<IngestRequest, IngestReply> INGEST =
      unary("Ingest", IngestRequest.getDefaultInstance(), IngestReply.getDefaultInstance());
  static final MethodDescriptor<SearchRequest, SearchReply> SEARCH =
      unary("Search", SearchRequest.getDefaultInstance(), SearchReply.getDefaultInstance());
  static final MethodDescriptor<BatchSearchRequest, BatchSearchReply> BATCH_SEARCH =
      unary(
          "BatchSearch",
          BatchSearchRequest.getDefaultInstance(),
          BatchSearchReply.getDefaultInstance());
  static final MethodDescriptor<ContextRequest, ContextReply> GET_CONTEXT =
      unary("GetContext", ContextRequest.getDefaultInstance(), ContextReply.getDefaultInstance());
  static final MethodDescriptor<PreferencesRequest, Preferences> GET_PREFERENCES =
      unary(
          "GetPreferences",
          PreferencesRequest.getDefaultInstance(),
          Preferences.getDefaultInstance());
  static final MethodDescriptor<SetPreferencesRequest, Preferences> SET_PREFERENCES =
      unary(
          "SetPreferences",
          SetPreferencesRequest.getDefaultInstance(),
          Preferences.getDefaultInstance());
  static final MethodDescriptor<SessionRequest, Session> START_SESSION =
      unary("StartSession", SessionRequest.getDefaultInstance(), Session.getDefaultInstance());
  static final MethodDescriptor<SessionRequest, Session> END_SESSION =
      unary("EndSession", SessionRequest.getDefaultInstance(), Session.getDefaultInstance());
  static final MethodDescriptor<CountRequest, CountReply> COUNT_ALL =
      unary("CountAll", CountRequest.getDefaultInstance(), CountReply.getDefaultInstance());
  static final MethodDescriptor<IngestRequest, IngestSummary> INGEST_STREAM =
      method(
          MethodType.CLIENT_STREAMING,
          "IngestStream",
          IngestRequest.getDefaultInstance(),
          IngestSummary.getDefaultInstance());
  static final MethodDescriptor<WatchRequest, MemoryItem> WATCH =
      method(
          MethodType.SERVER_STREAMING,
          "Watch",
          WatchRequest.getDefaultInstance(),
          MemoryItem.getDefaultInstance());
  static final MethodDescriptor<SearchRequest, SearchReply> CONVERSE =
      method(
          MethodType.BIDI_STREAMING,
          "Converse",
          SearchRequest.getDefaultInstance(),
          SearchReply.getDefaultInstance());

  private MemoryMethods() {}

  private static <Q extends Message, R extends Message> MethodDescriptor<Q, R> unary(
      String name, Q request, R reply) {
    return method(MethodType.UNARY, name, request, reply);
  }

  static <Q extends Message, R extends Message> MethodDescriptor<Q, R> method(
      MethodType type, String name, Q request, R reply) {
    return MethodDescriptor.<Q, R>newBuilder()
        .setType(type)
        .setFullMethodName(SERVICE + "/" + name)
        .setRequestMarshaller(ProtoUtils.marshaller(request))
        .setResponseMarshaller(ProtoUtils.marshaller(reply))
        .build();
  }
}
