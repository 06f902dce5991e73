package luki.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Descriptors;
import com.google.protobuf.Message;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.v1.ChatOuterClass;
import luki.gateway.v1.ChatRequest;
import luki.memory.v1.BatchSearchRequest;
import luki.memory.v1.ContextRequest;
import luki.memory.v1.IngestRequest;
import luki.memory.v1.MemoryOuterClass;
import luki.memory.v1.PreferencesRequest;
import luki.memory.v1.SearchRequest;
import luki.memory.v1.SessionRequest;
import luki.memory.v1.SetPreferencesRequest;
import luki.memory.v1.Subject;
import luki.memory.v1.WatchRequest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Generated callers get the same verdict from a method as from the operation that is its like. */
class VerdictsTest {
  private static final List<String> SCOPES =
      List.of("elr:read", "elr:write", "chat:write", "users:any");
  private static final List<String> USERS = List.of("maria_k", "anna", "someone", "a/b", "");
  private static final int CALLERS = 24;
  private static Site site;

  /**
   * A method and its like.
   *
   * @param path for a user in its body, or at its end
   */
  private record Pair(
      MethodDescriptor<?, ?> method, ForUser request, String verb, String path, String body) {
    interface ForUser {
      Message of(String user);
    }
  }

  private static final List<Pair> PAIRS =
      List.of(
          new Pair(
              ChatService.CHAT,
              user -> ChatRequest.newBuilder().setUserId(user).setMessage("hi").build(),
              "POST",
              "/v1/chat",
              "{\"user_id\":%s,\"message\":\"hi\"}"),
          new Pair(
              ChatService.CHAT_STREAM,
              user -> ChatRequest.newBuilder().setUserId(user).setMessage("hi").build(),
              "POST",
              "/v1/chat/stream",
              "{\"user_id\":%s,\"message\":\"hi\"}"),
          ingest(MemoryMethods.INGEST, user -> IngestRequest.newBuilder().setUserId(user).build()),
          ingest(
              MemoryMethods.INGEST_STREAM,
              user -> IngestRequest.newBuilder().setUserId(user).build()),
          ingest(
              MemoryMethods.SET_PREFERENCES,
              user -> SetPreferencesRequest.newBuilder().setSubject(subject(user)).build()),
          ingest(
              MemoryMethods.START_SESSION,
              user -> SessionRequest.newBuilder().setUserId(user).build()),
          ingest(
              MemoryMethods.END_SESSION,
              user -> SessionRequest.newBuilder().setUserId(user).build()),
          search(MemoryMethods.SEARCH, user -> SearchRequest.newBuilder().setUserId(user).build()),
          search(
              MemoryMethods.CONVERSE, user -> SearchRequest.newBuilder().setUserId(user).build()),
          search(
              MemoryMethods.BATCH_SEARCH,
              user -> BatchSearchRequest.newBuilder().setSubject(subject(user)).build()),
          search(
              MemoryMethods.GET_CONTEXT,
              user -> ContextRequest.newBuilder().setSubject(subject(user)).build()),
          search(
              MemoryMethods.GET_PREFERENCES,
              user -> PreferencesRequest.newBuilder().setSubject(subject(user)).build()),
          search(
              MemoryMethods.WATCH,
              user -> WatchRequest.newBuilder().setUserId(user).setCount(1).setSize(1).build()));

  private static Subject subject(String user) {
    return Subject.newBuilder().setUserId(user).build();
  }

  private static Pair ingest(MethodDescriptor<?, ?> method, Pair.ForUser request) {
    return new Pair(
        method, request, "POST", "/v1/elr/ingest_text", "{\"user_id\":%s,\"text\":\"x\"}");
  }

  private static Pair search(MethodDescriptor<?, ?> method, Pair.ForUser request) {
    return new Pair(method, request, "POST", "/v1/elr/search", "{\"user_id\":%s,\"query\":\"x\"}");
  }

  @BeforeAll
  static void start() {
    site = new Site(Map.of());
  }

  @AfterAll
  static void stop() {
    site.close();
  }

  @Test
  void everyListedMethodIsCompared() {
    Set<String> compared = new TreeSet<>();
    PAIRS.forEach(pair -> compared.add(pair.method.getFullMethodName()));
    // It has no like over HTTP: PassThroughTest has its verdicts.
    compared.add(MemoryMethods.COUNT_ALL.getFullMethodName());
    Set<String> known = new TreeSet<>();
    for (Descriptors.ServiceDescriptor service :
        List.of(
            MemoryOuterClass.getDescriptor().findServiceByName("Memory"),
            ChatOuterClass.getDescriptor().findServiceByName("Chat"))) {
      service
          .getMethods()
          .forEach(method -> known.add(service.getFullName() + "/" + method.getName()));
    }
    assertEquals(known, compared);
  }

  @Test
  void restAndGrpcAgreeOnEachCaller() {
    Random random = new Random(20_261_127);
    Map<String, Integer> verdicts = new TreeMap<>();
    for (int i = 0; i < CALLERS; i++) {
      Map<String, String> credential = credential(random);
      Channel grpc = site.with(credential);
      Client rest = new Client("http://127.0.0.1:" + site.gateway.port(), null);
      for (Pair pair : PAIRS) {
        String user = USERS.get(random.nextInt(USERS.size()));
        String byRest = verdict(rest, pair, user, credential);
        String byGrpc = verdict(grpc, pair, user);
        assertEquals(
            byRest, byGrpc, pair.method.getFullMethodName() + " for \"" + user + "\", caller " + i);
        verdicts.merge(byRest, 1, Integer::sum);
      }
    }
    for (String each :
        List.of("OK", "UNAUTHENTICATED", "FORBIDDEN", "NOT_OWNER", "INVALID_REQUEST")) {
      assertTrue(verdicts.getOrDefault(each, 0) > 0, each + " of " + verdicts);
    }
  }

  private static Map<String, String> credential(Random random) {
    List<String> users = new ArrayList<>(List.of("maria_k", "anna"));
    if (random.nextBoolean()) {
      users.remove(random.nextInt(2));
    }
    String[] scopes = SCOPES.stream().filter(_ -> random.nextInt(3) > 0).toArray(String[]::new);
    String key = site.gateway.key(users, scopes.length == 0 ? new String[] {"usage:read"} : scopes);
    return switch (random.nextInt(8)) {
      case 0 -> Map.of();
      case 1 -> Map.of("x-api-key", "luki_nothing");
      case 2 -> Map.of("authorization", "Basic abc");
      case 3 -> Map.of("x-api-key", key, "authorization", "Bearer " + key);
      case 4, 5 -> Map.of("authorization", "Bearer " + key);
      default -> Map.of("x-api-key", key);
    };
  }

  private static String verdict(
      Client client, Pair pair, String user, Map<String, String> credential) {
    List<String> headers = new ArrayList<>();
    credential.forEach((name, value) -> headers.addAll(Arrays.asList(name, value)));
    String body = pair.body.formatted(Json.of(user).toString());
    HttpReply reply = client.send(pair.verb, pair.path, body, headers.toArray(String[]::new));
    if (reply.status() < 300) {
      return "OK";
    }
    try {
      return Json.parse(reply.body().getBytes(java.nio.charset.StandardCharsets.UTF_8))
          .at("error")
          .at("code")
          .string("");
    } catch (InvalidJson nonsense) {
      throw new AssertionError(reply.body(), nonsense);
    }
  }

  @SuppressWarnings("unchecked")
  private static String verdict(Channel channel, Pair pair, String user) {
    Call<Object, Object> call =
        Call.begin(channel, (MethodDescriptor<Object, Object>) pair.method)
            .ask(1000)
            .send(pair.request.of(user))
            .end();
    Site.Failure end = call.failure();
    return end.status() == io.grpc.Status.Code.OK ? "OK" : end.code();
  }
}
