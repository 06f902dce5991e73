package luki.gateway.resume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import luki.gateway.json.Json;
import luki.gateway.standin.RawUpstream;
import luki.gateway.standin.RawUpstream.RawConnection;
import luki.gateway.standin.ScriptedAgent;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.ChatStream;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A client that was cut off asks for the rest of its stream. */
@Timeout(120)
class ResumedStreamsTest {
  private static final int TOKENS = 6;
  private static final int MANY = 400;
  private static final String STREAM = "/v1/chat/stream";

  @TempDir Path directory;

  private final AtomicInteger calls = new AtomicInteger();
  private final AtomicInteger openCalls = new AtomicInteger();
  // What the agent may say.
  private final Semaphore tokens = new Semaphore(0);
  // The first so many calls wait for that.
  private volatile int waiting = Integer.MAX_VALUE;

  /** Says t1, then t2, t3, … each once it may, and that it is done. */
  private void speak(RawConnection connection) throws Exception {
    boolean waits = calls.incrementAndGet() <= waiting;
    openCalls.incrementAndGet();
    try {
      ScriptedAgent.begin(connection);
      for (int i = 1; i <= TOKENS; i++) {
        while (waits && i > 1 && !tokens.tryAcquire(20, TimeUnit.MILLISECONDS)) {
          if (connection.peerClosed(Duration.ofMillis(1))) {
            return;
          }
        }
        ScriptedAgent.chunk(connection, "data: {\"token\": \"t" + i + "\"}\n\n");
      }
      ScriptedAgent.chunk(connection, ScriptedAgent.DONE);
      connection.send("0\r\n\r\n");
    } catch (IOException gone) {
      // Its call was ended.
    } finally {
      openCalls.decrementAndGet();
    }
  }

  private RawUpstream agent() {
    return ScriptedAgent.agent(connection -> speak(connection));
  }

  private static TestGateway.Builder gateway(RawUpstream agent) {
    return TestGateway.builder().with("AGENT_URL", agent.url()).with("STREAM_RESUME", "on");
  }

  private static String key(TestGateway gateway) {
    return gateway.key(List.of("maria_k"), "chat:write");
  }

  /** The events of a stream up to the one with this number; its id and what is in it. */
  private static List<String[]> read(ChatStream stream, int upTo) throws IOException {
    List<String[]> events = new ArrayList<>();
    String name = "";
    String id = "";
    for (String line = stream.line(); line != null; line = stream.line()) {
      if (line.startsWith("event: ")) {
        name = line.substring(7);
      } else if (line.startsWith("id: ")) {
        id = line.substring(4);
      } else if (line.startsWith("data: ")) {
        events.add(new String[] {id, name.isEmpty() ? token(line.substring(6)) : name});
        name = "";
        if (id.substring(id.indexOf(':') + 1).equals(Integer.toString(upTo))) {
          break;
        }
      }
    }
    return events;
  }

  private static String token(String data) {
    return data.replaceAll(".*\"token\":\"([^\"]*)\".*", "$1");
  }

  private static List<String> texts(List<String[]> events) {
    return events.stream().map(event -> event[1]).toList();
  }

  private static List<String> wholeAnswer() {
    List<String> whole = new ArrayList<>();
    for (int i = 1; i <= TOKENS; i++) {
      whole.add("t" + i);
    }
    whole.add("done");
    return whole;
  }

  @Test
  void aCutAtAnyEventLosesAndRepeatsNothing() throws Exception {
    tokens.release(1000);
    try (RawUpstream agent = agent();
        TestGateway gateway = gateway(agent).start()) {
      String key = key(gateway);
      for (int cut = 1; cut <= TOKENS; cut++) {
        List<String[]> events;
        try (ChatStream first = ChatStream.open(gateway, key)) {
          events = read(first, cut);
        }
        String last = events.getLast()[0];
        try (ChatStream rest = ChatStream.open(gateway, key, "Last-Event-ID: " + last)) {
          assertEquals(200, rest.status());
          events.addAll(read(rest, -1));
        }
        assertEquals(wholeAnswer(), texts(events), "cut at " + cut);
        assertEquals(cut, calls.get(), "calls of the agent");
        // Also from the end again: nothing is left to be sent.
        String end = events.getLast()[0];
        client(gateway, key).post(STREAM, ScriptedAgent.REQUEST, "Last-Event-ID", end).expect(204);
      }
    }
  }

  private static Client client(TestGateway gateway, String key) {
    return new Client(gateway, key);
  }

  @Test
  void aStreamGoesOnWithoutItsClientAndMayBeCutAgainAndAgain() throws Exception {
    try (RawUpstream agent = agent();
        TestGateway gateway = gateway(agent).start()) {
      String key = key(gateway);
      List<String[]> events = new ArrayList<>();
      String[] field = {};
      for (int cut = 1; cut <= TOKENS + 1; cut++) {
        tokens.release();
        try (ChatStream stream = ChatStream.open(gateway, key, field)) {
          assertEquals(200, stream.status());
          events.addAll(read(stream, cut));
          field = new String[] {"Last-Event-ID: " + events.getLast()[0]};
        }
      }
      assertEquals(wholeAnswer(), texts(events));
      assertEquals(1, calls.get());
      assertEquals("0.0", gateway.metric("luki_gateway_streams"));
    }
  }

  @Test
  void aReaderThatIsStillThereIsEndedByTheNext() throws Exception {
    try (RawUpstream agent = agent();
        TestGateway gateway = gateway(agent).start()) {
      String key = key(gateway);
      tokens.release(2);
      try (ChatStream first = ChatStream.open(gateway, key)) {
        List<String[]> events = read(first, 1);
        try (ChatStream second =
            ChatStream.open(gateway, key, "Last-Event-ID: " + events.getFirst()[0])) {
          tokens.release(TOKENS);
          events.addAll(read(second, -1));
        }
        assertEquals(wholeAnswer(), texts(events));
        // Cut, and not ended as if it were whole.
        IOException cut = null;
        try {
          String _ = first.rest();
        } catch (IOException closed) {
          cut = closed;
        }
        assertTrue(cut != null, "the first reader got an end");
      }
      assertEquals(1, calls.get());
    }
  }

  private static void manyTokens(RawConnection connection) throws Exception {
    ScriptedAgent.begin(connection);
    for (int i = 1; i <= MANY; i++) {
      ScriptedAgent.chunk(connection, "data: {\"token\": \"t" + i + "\"}\n\n");
      if (i % 10 == 0) {
        Thread.sleep(2);
      }
    }
    ScriptedAgent.chunk(connection, ScriptedAgent.DONE);
    connection.send("0\r\n\r\n");
  }

  /** Readers that leave, and readers that are still there when the next one comes. */
  @Test
  void aStreamThatIsCutAtRandomHasEachEventOnce() throws Exception {
    try (RawUpstream agent = ScriptedAgent.agent(ResumedStreamsTest::manyTokens);
        TestGateway gateway = gateway(agent).start()) {
      List<Thread> clients = new ArrayList<>();
      List<String> wrong = new CopyOnWriteArrayList<>();
      for (int i = 0; i < 4; i++) {
        String key = key(gateway);
        Random random = new Random(i);
        clients.add(Thread.startVirtualThread(() -> readInParts(gateway, key, random, wrong)));
      }
      for (Thread client : clients) {
        assertTrue(client.join(Duration.ofSeconds(60)));
      }
      assertEquals(List.of(), wrong);
    }
  }

  private static void readInParts(
      TestGateway gateway, String key, Random random, List<String> wrong) {
    List<String[]> events = new ArrayList<>();
    List<ChatStream> stillOpen = new ArrayList<>();
    String[] field = {};
    try {
      while (events.isEmpty() || !events.getLast()[1].equals("done")) {
        ChatStream stream = ChatStream.open(gateway, key, field);
        assertEquals(200, stream.status());
        events.addAll(read(stream, events.size() + 1 + random.nextInt(20)));
        field = new String[] {"Last-Event-ID: " + events.getLast()[0]};
        if (random.nextBoolean()) {
          stream.leave();
        } else {
          stillOpen.add(stream);
        }
      }
      for (ChatStream stream : stillOpen) {
        stream.close();
      }
    } catch (IOException | AssertionError failed) {
      wrong.add(events.size() + " events, then " + failed);
    }
    for (int i = 1; i <= MANY; i++) {
      if (events.size() <= MANY || !events.get(i - 1)[1].equals("t" + i)) {
        wrong.add("event " + i + " of " + events.size());
        return;
      }
    }
  }

  @Test
  void anotherCallersStreamAndAnUnknownOneAreNotFoundWithoutACall() throws Exception {
    tokens.release(1000);
    try (RawUpstream agent = agent();
        TestGateway gateway = gateway(agent).start()) {
      String key = gateway.key(List.of("maria_k", "anna"), "chat:write");
      List<String[]> events;
      try (ChatStream first = ChatStream.open(gateway, key)) {
        events = read(first, 2);
      }
      String id = events.getLast()[0];
      String stream = id.substring(0, id.indexOf(':'));
      Client maria = client(gateway, key);
      Client other = client(gateway, key(gateway));
      other.post(STREAM, ScriptedAgent.REQUEST, "Last-Event-ID", id).expect(404, "NOT_FOUND");
      String ofAnna = ScriptedAgent.REQUEST.replace("maria_k", "anna");
      maria.post(STREAM, ofAnna, "Last-Event-ID", id).expect(404, "NOT_FOUND");
      for (String unknown :
          List.of("7", "x", "0".repeat(32) + ":1", stream, stream + ":99", stream + ":-1")) {
        maria
            .post(STREAM, ScriptedAgent.REQUEST, "Last-Event-ID", unknown)
            .expect(404, "NOT_FOUND");
      }
      assertEquals(1, calls.get());
      // The owner still gets it.
      HttpReply rest = maria.post(STREAM, ScriptedAgent.REQUEST, "Last-Event-ID", id).expect(200);
      assertTrue(rest.body().startsWith("id: " + stream + ":3\n"), rest.body());
      // The GET of an EventSource is another matter.
      String target = STREAM + "?user_id=maria_k&message=Hi";
      maria.get(target, "Last-Event-ID", id).expect(204);
      assertTrue(maria.get(target).expect(200).body().startsWith("id: 1\n"));
    }
  }

  @Test
  void theBillIsThatOfTheFirstRequestForTheWholeStream() throws Exception {
    Path outbox = directory.resolve("usage");
    try (RawUpstream agent = agent();
        TestGateway gateway = gateway(agent).with("USAGE_OUTBOX", outbox.toString()).start()) {
      String key = gateway.keyOfPlan("family", List.of("maria_k"), "chat:write", "usage:read");
      List<String[]> events;
      tokens.release(2);
      try (ChatStream first = ChatStream.open(gateway, key)) {
        events = read(first, 2);
      }
      tokens.release(TOKENS);
      String field = "Last-Event-ID: " + events.getLast()[0];
      try (ChatStream rest = ChatStream.open(gateway, key, field)) {
        events.addAll(read(rest, -1));
      }
      assertEquals(wholeAnswer(), texts(events));
      String bills = Waiting.until(() -> text(outbox), text -> text.contains("\"chatStream\""));
      assertEquals(1, bills.lines().count(), bills);
      assertTrue(bills.contains("\"streamed_characters\":" + 2 * TOKENS), bills);
      for (Json quota : client(gateway, key).get("/v1/usage").json().at("quotas").items()) {
        boolean messages = quota.at("meter").string("").equals("chat_messages");
        long used = quota.at("used").integer().orElseThrow();
        assertEquals(messages ? 1 : 2 * TOKENS, used, quota.toString());
      }
      List<String> log = gateway.awaitLog(3);
      assertEquals(2, log.stream().filter(line -> line.contains(STREAM)).count(), log.toString());
    }
  }

  private static String text(Path outbox) {
    try (var files = Files.list(outbox.getParent())) {
      StringBuilder all = new StringBuilder();
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        all.append(Files.readString(file));
      }
      return all.toString();
    } catch (IOException failed) {
      throw new AssertionError(failed);
    }
  }

  /** A caller may keep a quarter of an eighth of the budget: 31 KB here, and each stream 4 KB. */
  @Test
  void withoutRoomAStreamIsCompleteButNotKept() throws Exception {
    waiting = 7;
    try (RawUpstream agent = agent();
        TestGateway gateway = gateway(agent).with("MAX_BUFFERED_BYTES", "1000000").start()) {
      String key = key(gateway);
      List<ChatStream> open = new ArrayList<>();
      for (int i = 0; i < 7; i++) {
        open.add(ChatStream.open(gateway, key));
        assertEquals(1, read(open.getLast(), 1).size());
      }
      List<String[]> events;
      try (ChatStream whole = ChatStream.open(gateway, key)) {
        events = read(whole, -1);
      }
      assertEquals(wholeAnswer(), texts(events));
      String id = events.getFirst()[0];
      Client maria = client(gateway, key);
      maria.post(STREAM, ScriptedAgent.REQUEST, "Last-Event-ID", id).expect(404, "NOT_FOUND");
      // And its call would have ended with its client.
      waiting = Integer.MAX_VALUE;
      try (ChatStream left = ChatStream.open(gateway, key)) {
        assertEquals(1, read(left, 1).size());
        assertEquals(8, openCalls.get());
      }
      Waiting.until(() -> openCalls.get() == 7);
      for (ChatStream each : open) {
        each.close();
      }
    }
  }

  @Test
  void oneCallerMayLeaveSoManyStreamsBehindAndNoMore() throws Exception {
    int allowed = KeptStreams.UNREAD_OF_CALLER;
    try (RawUpstream agent = agent();
        TestGateway gateway = gateway(agent).start()) {
      String key = key(gateway);
      for (int i = 0; i < allowed; i++) {
        try (ChatStream left = ChatStream.open(gateway, key)) {
          assertEquals(1, read(left, 1).size());
        }
      }
      ChatStream another = ChatStream.open(gateway, key);
      assertEquals(1, read(another, 1).size());
      Waiting.until(() -> openCalls.get() == allowed + 1);
      another.leave();
      Waiting.until(() -> openCalls.get() == allowed);
      gateway.drain();
      Waiting.until(() -> openCalls.get() == 0);
      assertEquals(
          allowed + 1, gateway.log().stream().filter(line -> line.contains(STREAM)).count());
    }
  }

  @Test
  void aRevokedKeyEndsAStreamThatNobodyReads() throws Exception {
    tokens.release();
    try (RawUpstream agent = agent();
        TestGateway gateway = gateway(agent).start()) {
      String key = key(gateway);
      try (ChatStream left = ChatStream.open(gateway, key)) {
        assertEquals(1, read(left, 1).size());
      }
      Waiting.until(() -> gateway.metric("http_server_active_requests").equals("2.0"));
      assertEquals(1, openCalls.get());
      gateway.revoke(key);
      Waiting.until(() -> openCalls.get() == 0);
      Waiting.until(() -> gateway.metric("luki_gateway_streams").equals("0.0"));
    }
  }

  @Test
  void withdrawnConsentEndsItAndNothingMoreOfItIsGiven() throws Exception {
    tokens.release(1000);
    try (RawUpstream agent = agent();
        StandIns services = StandIns.start();
        TestGateway gateway = gateway(agent).with(without(services)).start()) {
      String key = gateway.key(List.of("maria_k"), "chat:write", "elr:write");
      Client maria = client(gateway, key);
      String memory = "{\"user_id\":\"maria_k\",\"text\":\"Hi there\"}";
      maria.post("/v1/elr/ingest_text", memory).expect(201);
      List<String[]> events;
      // The agent is done, and the rest is kept.
      try (ChatStream left = ChatStream.open(gateway, key)) {
        events = read(left, 1);
      }
      String id = events.getFirst()[0];
      services.revoke("maria_k", "elr_memories");
      HttpReply refused =
          Waiting.until(
              () -> maria.post(STREAM, ScriptedAgent.REQUEST, "Last-Event-ID", id),
              reply -> reply.status() != 200);
      assertFalse(refused.body().contains("token\""), refused.body());
      assertTrue(refused.status() == 403 || refused.status() == 404, refused.toString());
    }
  }

  /** The services beside the agent of the test. */
  private static Map<String, String> without(StandIns services) {
    Map<String, String> urls = new HashMap<>(services.urls());
    urls.remove("AGENT_URL");
    return urls;
  }

  @Test
  void offALeavingClientEndsTheCallAndAnIdIsIgnored() throws Exception {
    tokens.release();
    try (RawUpstream agent = agent();
        TestGateway gateway = TestGateway.builder().with("AGENT_URL", agent.url()).start()) {
      String key = key(gateway);
      try (ChatStream left = ChatStream.open(gateway, key, "Last-Event-ID: 7")) {
        assertEquals("1", read(left, 1).getFirst()[0]);
      }
      Waiting.until(() -> openCalls.get() == 0);
    }
  }
}
