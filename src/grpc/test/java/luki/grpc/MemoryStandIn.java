package luki.grpc;

import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import luki.memory.v1.BatchSearchReply;
import luki.memory.v1.ContextReply;
import luki.memory.v1.CountReply;
import luki.memory.v1.IngestReply;
import luki.memory.v1.IngestRequest;
import luki.memory.v1.IngestSummary;
import luki.memory.v1.MemoryItem;
import luki.memory.v1.Preferences;
import luki.memory.v1.SearchReply;
import luki.memory.v1.SearchRequest;
import luki.memory.v1.Session;
import luki.memory.v1.SessionRequest;
import luki.memory.v1.WatchRequest;

/** A memory service that speaks gRPC, with what it was sent and switches for tests. */
final class MemoryStandIn implements AutoCloseable {
  static final Metadata.Key<String> INDEX_AGE =
      Metadata.Key.of("x-index-age", Metadata.ASCII_STRING_MARSHALLER);
  static final Metadata.Key<String> SECRET =
      Metadata.Key.of("x-secret-of-the-service", Metadata.ASCII_STRING_MARSHALLER);

  private final Map<String, List<MemoryItem>> items = new ConcurrentHashMap<>();
  private final Map<String, Map<String, String>> preferences = new ConcurrentHashMap<>();
  private final AtomicInteger ids = new AtomicInteger();
  private final Server server;

  /** Of each call that came, in its order. */
  final List<Metadata> heads = new CopyOnWriteArrayList<>();

  final List<String> calls = new CopyOnWriteArrayList<>();
  final List<Object> messages = new CopyOnWriteArrayList<>();

  /** What the deadline of a call was when it came, in ms. */
  final List<Long> deadlines = new CopyOnWriteArrayList<>();

  final AtomicInteger cancelled = new AtomicInteger();
  final AtomicLong sent = new AtomicLong();

  /** While it is set, each call ends with it. */
  volatile Status failure;

  /** While it is set, no unary call is answered. */
  volatile boolean silent;

  private final List<Runnable> waiting = new CopyOnWriteArrayList<>();

  private MemoryStandIn() {
    try {
      server =
          NettyServerBuilder.forAddress(
                  new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                  InsecureServerCredentials.create())
              .executor(Executors.newVirtualThreadPerTaskExecutor())
              .intercept(new Records())
              .addService(service())
              .build()
              .start();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  static MemoryStandIn start() {
    return new MemoryStandIn();
  }

  int port() {
    return server.getPort();
  }

  private final class Records implements ServerInterceptor {
    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
      heads.add(headers);
      calls.add(call.getMethodDescriptor().getBareMethodName());
      io.grpc.Deadline deadline = io.grpc.Context.current().getDeadline();
      deadlines.add(
          deadline == null
              ? -1
              : deadline.timeRemaining(java.util.concurrent.TimeUnit.MILLISECONDS));
      return new SimpleForwardingServerCallListener<>(
          next.startCall(
              new io.grpc.ForwardingServerCall.SimpleForwardingServerCall<>(call) {
                @Override
                public void sendHeaders(Metadata head) {
                  head.put(INDEX_AGE, "3");
                  head.put(SECRET, "internal");
                  super.sendHeaders(head);
                }
              },
              headers)) {
        @Override
        public void onMessage(Q message) {
          messages.add(message);
          super.onMessage(message);
        }

        @Override
        public void onCancel() {
          cancelled.incrementAndGet();
          super.onCancel();
        }
      };
    }
  }

  private ServerServiceDefinition service() {
    return ServerServiceDefinition.builder(MemoryMethods.SERVICE)
        .addMethod(
            MemoryMethods.INGEST,
            ServerCalls.asyncUnaryCall(
                (request, reply) ->
                    answer(reply, () -> IngestReply.newBuilder().setId(keep(request)).build())))
        .addMethod(
            MemoryMethods.SEARCH,
            ServerCalls.asyncUnaryCall(
                (request, reply) -> answer(reply, () -> search(request.getUserId(), request))))
        .addMethod(
            MemoryMethods.BATCH_SEARCH,
            ServerCalls.asyncUnaryCall(
                (request, reply) ->
                    answer(
                        reply,
                        () -> {
                          BatchSearchReply.Builder all = BatchSearchReply.newBuilder();
                          for (var query : request.getQueriesList()) {
                            SearchRequest one =
                                SearchRequest.newBuilder()
                                    .setQuery(query.getText())
                                    .setLimit(query.getLimit())
                                    .build();
                            all.addReplies(search(request.getSubject().getUserId(), one));
                          }
                          return all.build();
                        })))
        .addMethod(
            MemoryMethods.GET_CONTEXT,
            ServerCalls.asyncUnaryCall(
                (request, reply) ->
                    answer(
                        reply,
                        () ->
                            ContextReply.newBuilder()
                                .addAllRecent(of(request.getSubject().getUserId()))
                                .putAllPreferences(
                                    preferences.getOrDefault(
                                        request.getSubject().getUserId(), Map.of()))
                                .build())))
        .addMethod(
            MemoryMethods.GET_PREFERENCES,
            ServerCalls.asyncUnaryCall(
                (request, reply) ->
                    answer(reply, () -> preferencesOf(request.getSubject().getUserId()))))
        .addMethod(
            MemoryMethods.SET_PREFERENCES,
            ServerCalls.asyncUnaryCall(
                (request, reply) ->
                    answer(
                        reply,
                        () -> {
                          String user = request.getSubject().getUserId();
                          preferences.put(user, request.getValuesMap());
                          return preferencesOf(user);
                        })))
        .addMethod(MemoryMethods.START_SESSION, session(true))
        .addMethod(MemoryMethods.END_SESSION, session(false))
        .addMethod(
            MemoryMethods.COUNT_ALL,
            ServerCalls.asyncUnaryCall(
                (request, reply) ->
                    answer(
                        reply,
                        () ->
                            CountReply.newBuilder()
                                .setUsers(items.size())
                                .setMemories(ids.get())
                                .build())))
        .addMethod(MemoryMethods.INGEST_STREAM, ServerCalls.asyncClientStreamingCall(this::ingest))
        .addMethod(MemoryMethods.WATCH, ServerCalls.asyncServerStreamingCall(this::watch))
        .addMethod(MemoryMethods.CONVERSE, ServerCalls.asyncBidiStreamingCall(this::converse))
        .build();
  }

  private ServerCallHandler<SessionRequest, Session> session(boolean active) {
    return ServerCalls.asyncUnaryCall(
        (request, reply) ->
            answer(
                reply,
                () ->
                    Session.newBuilder()
                        .setSessionId(request.getSessionId())
                        .setActive(active)
                        .build()));
  }

  /** Answers the calls that were not answered. */
  void release() {
    silent = false;
    waiting.forEach(Runnable::run);
    waiting.clear();
  }

  private interface Answer<R> {
    R make();
  }

  private <R> void answer(StreamObserver<R> to, Answer<R> answer) {
    if (silent) {
      ((ServerCallStreamObserver<R>) to).setOnCancelHandler(() -> {});
      waiting.add(
          () -> {
            to.onNext(answer.make());
            to.onCompleted();
          });
      return;
    }
    if (failure != null) {
      to.onError(new StatusRuntimeException(failure, secrets()));
      return;
    }
    to.onNext(answer.make());
    to.onCompleted();
  }

  private static Metadata secrets() {
    Metadata trailers = new Metadata();
    trailers.put(SECRET, "internal");
    trailers.put(INDEX_AGE, "4");
    return trailers;
  }

  private String keep(IngestRequest request) {
    String id = request.getUserId() + "_" + ids.incrementAndGet();
    MemoryItem item =
        MemoryItem.newBuilder()
            .setId(id)
            .setText(request.getText())
            .addAllTags(request.getTagsList())
            .build();
    items.computeIfAbsent(request.getUserId(), _ -> new CopyOnWriteArrayList<>()).add(item);
    return id;
  }

  private List<MemoryItem> of(String user) {
    return items.getOrDefault(user, List.of());
  }

  private Preferences preferencesOf(String user) {
    return Preferences.newBuilder().putAllValues(preferences.getOrDefault(user, Map.of())).build();
  }

  private SearchReply search(String user, SearchRequest request) {
    List<MemoryItem> found = new ArrayList<>();
    for (MemoryItem item : of(user)) {
      if (item.getText().toLowerCase(Locale.ROOT).contains(request.getQuery())) {
        found.add(item.toBuilder().setScore(1).build());
      }
    }
    return SearchReply.newBuilder().addAllItems(found).build();
  }

  private StreamObserver<IngestRequest> ingest(StreamObserver<IngestSummary> reply) {
    return new Incoming<>() {
      private long kept;

      @Override
      public void onNext(IngestRequest request) {
        String _ = keep(request);
        kept++;
      }

      @Override
      public void onCompleted() {
        reply.onNext(IngestSummary.newBuilder().setKept(kept).build());
        reply.onCompleted();
      }
    };
  }

  /** As fast as it is taken. */
  private void watch(WatchRequest request, StreamObserver<MemoryItem> to) {
    ServerCallStreamObserver<MemoryItem> out = (ServerCallStreamObserver<MemoryItem>) to;
    MemoryItem item =
        MemoryItem.newBuilder().setId("1").setText("x".repeat(request.getSize())).build();
    if (failure != null) {
      out.onError(failure.asRuntimeException());
      return;
    }
    AtomicInteger left = new AtomicInteger(request.getCount());
    out.setOnCancelHandler(() -> {});
    out.setOnReadyHandler(
        () -> {
          while (out.isReady() && (request.getCount() == 0 || left.get() > 0)) {
            out.onNext(item);
            sent.addAndGet(item.getSerializedSize());
            if (request.getCount() > 0 && left.decrementAndGet() == 0) {
              out.onCompleted();
              return;
            }
            if (request.getSize() == 0 && request.getCount() == 0) {
              return;
            }
          }
        });
  }

  private StreamObserver<SearchRequest> converse(StreamObserver<SearchReply> reply) {
    return new Incoming<>() {
      @Override
      public void onNext(SearchRequest request) {
        reply.onNext(search(request.getUserId(), request));
      }

      @Override
      public void onCompleted() {
        reply.onCompleted();
      }
    };
  }

  private abstract static class Incoming<T> implements StreamObserver<T> {
    @Override
    public void onError(Throwable cancelled) {}
  }

  @Override
  public void close() {
    server.shutdownNow();
    try {
      boolean _ = server.awaitTermination(5, java.util.concurrent.TimeUnit.SECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
