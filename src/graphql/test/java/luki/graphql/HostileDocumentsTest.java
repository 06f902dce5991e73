package luki.graphql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import luki.gateway.http.Method;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Documents that ask for too much are refused before anything is executed, fast and in little
 * memory.
 */
class HostileDocumentsTest {
  @AutoClose private static final Fixture SERVER = WithGraphQl.fixture();
  private static final Client CLIENT = SERVER.gateway().client("elr:read", "users:read");

  private static final long MAX_MILLIS = 50;
  private static final long MAX_ALLOCATED = 16L * 1024 * 1024;
  private static final int WARM_UP = 20;

  private static final Documents DOCUMENTS =
      new Documents(
          Map.of(
              "getUserOverview",
              new Operation(
                  "getUserOverview",
                  Method.GET,
                  "/v1/users/{user_id}/overview",
                  List.of("user_id"),
                  List.of(),
                  "",
                  true,
                  5)));

  /** Name to document; the refusals that are sure not to come from its length have a short one. */
  private static Map<String, String> documents() {
    Map<String, String> documents = new LinkedHashMap<>();
    documents.put("depth 10,000", "{a".repeat(10_000) + "}".repeat(10_000));
    documents.put("depth 30", "{a".repeat(30) + "}".repeat(30));
    documents.put("10,000 aliases", "{" + each(10_000, i -> "a" + i + ":__typename ") + "}");
    documents.put("40 aliases", "{" + each(40, i -> "a" + i + ":__typename ") + "}");
    documents.put("10,000 fields", "{" + "__typename ".repeat(10_000) + "}");
    documents.put("1,500 fields", "{" + "__typename ".repeat(1_500) + "}");
    documents.put("a circle", "{...a} fragment a on Query{...b} fragment b on Query{...a}");
    documents.put("a fragment of itself", "{...a} fragment a on Query{...a}");
    documents.put(
        "fragments that double 40 times",
        "{...f0}"
            + each(40, i -> "fragment f" + i + " on Query{...f" + (i + 1) + " ...f" + (i + 1) + "}")
            + "fragment f40 on Query{__typename}");
    documents.put(
        "20 overviews",
        "{" + each(20, i -> "a" + i + ":getUserOverview(user_id:\"u" + i + "\"){user_id}") + "}");
    documents.put("a huge name", "{" + "a".repeat(1_000_000) + "}");
    documents.put(
        "a huge string", "{a(b:\"" + "c".repeat(60_000) + "\"" + "d".repeat(9_000) + ")}");
    documents.put("white space", "{" + " ".repeat(60_000) + "a");
    documents.put("commas", "{" + ",".repeat(60_000) + "}");
    documents.put("comments", "#\n".repeat(30_000));
    documents.put("brackets", "[".repeat(60_000));
    documents.put("lists", "{a(b:" + "[".repeat(5_000) + "]".repeat(5_000) + ")}");
    documents.put("objects", "{a(b:" + "{c:".repeat(5_000) + "1" + "}".repeat(5_000) + ")}");
    documents.put("directives", "{a" + "@b".repeat(10_000) + "}");
    documents.put("variables", "query(" + each(10_000, i -> "$a" + i + ":Int ") + "){a}");
    documents.put(
        "60 fragments", "{...f0}" + each(60, i -> "fragment f" + i + " on Query{__typename}"));
    documents.put("operations", each(500, i -> "query a" + i + "{__typename}"));
    return documents;
  }

  private static String each(int n, IntFunction<String> text) {
    return IntStream.range(0, n).mapToObj(text).collect(Collectors.joining());
  }

  /** What the document costs the gateway alone. */
  @TestFactory
  Stream<DynamicTest> areRefusedWithin50MillisecondsInLittleMemory() {
    return documents().entrySet().stream()
        .map(each -> dynamicTest(each.getKey(), () -> refusedSoon(each.getValue())));
  }

  private static void refusedSoon(String document) {
    for (int i = 0; i < WARM_UP; i++) {
      refuse(document);
    }
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long fastest = Long.MAX_VALUE;
    long allocated = 0;
    // The machine may be busy with something else for a moment: the best of some.
    for (int i = 0; i < 5; i++) {
      long bytes = threads.getCurrentThreadAllocatedBytes();
      long begun = System.nanoTime();
      refuse(document);
      fastest = Math.min(fastest, System.nanoTime() - begun);
      allocated = threads.getCurrentThreadAllocatedBytes() - bytes;
    }
    long millis = TimeUnit.NANOSECONDS.toMillis(fastest);
    assertTrue(millis < MAX_MILLIS, millis + " ms");
    assertTrue(allocated < MAX_ALLOCATED, allocated + " bytes");
  }

  private static void refuse(String document) {
    try {
      DOCUMENTS.parse(document, null);
    } catch (Refusal refused) {
      return;
    }
    throw new AssertionError("accepted");
  }

  /** The same through the whole chain, and nothing was called. */
  @TestFactory
  Stream<DynamicTest> areRefusedAsInvalid() {
    return documents().entrySet().stream()
        .map(
            each ->
                dynamicTest(
                    each.getKey(),
                    () -> {
                      SERVER.forget();
                      Json request = Json.object().put("query", each.getValue()).build();
                      HttpReply reply =
                          CLIENT
                              .post(
                                  "/graphql",
                                  request.toString(),
                                  "Accept",
                                  "application/graphql-response+json")
                              .expect(400);
                      assertTrue(reply.body().contains("INVALID_REQUEST"), reply.body());
                      assertTrue(reply.body().length() < 1_000, reply.body());
                      assertEquals(List.of(), SERVER.calls());
                    }));
  }

  /** The largest that the limits let pass are validated and executed in time too. */
  @TestFactory
  Stream<DynamicTest> whatIsJustAllowedIsAnsweredSoon() {
    String stats = "getUserStats(user_id:\"maria_k\")";
    return Map.of(
            "1,000 times the same field",
            "{" + stats + "{" + "user_id ".repeat(999) + "}}",
            "950 fields in 50 fragments of each other",
            "{"
                + stats
                + "{...f0}}"
                + each(
                    49,
                    i ->
                        "fragment f"
                            + i
                            + " on UserStats{"
                            + "user_id ".repeat(19)
                            + "...f"
                            + (i + 1)
                            + "}")
                + "fragment f49 on UserStats{user_id}",
            "30 aliases",
            "{" + each(30, i -> "a" + i + ":" + stats + "{user_id total_memories} ") + "}")
        .entrySet()
        .stream()
        .map(each -> dynamicTest(each.getKey(), () -> answeredSoon(each.getValue())));
  }

  private static void answeredSoon(String document) {
    Json request = Json.object().put("query", document).build();
    long fastest = Long.MAX_VALUE;
    for (int i = 0; i < WARM_UP; i++) {
      long begun = System.nanoTime();
      HttpReply reply = CLIENT.post("/graphql", request.toString());
      fastest = Math.min(fastest, System.nanoTime() - begun);
      reply.expect(200);
    }
    long millis = TimeUnit.NANOSECONDS.toMillis(fastest);
    assertTrue(millis < 4 * MAX_MILLIS, millis + " ms");
  }

  @Test
  void aBatchOf1000IsRefused() {
    String one = "{\"query\":\"{__typename}\"}";
    String batch = "[" + String.join(",", Collections.nCopies(1_000, one)) + "]";
    long fastest = Long.MAX_VALUE;
    for (int i = 0; i < WARM_UP; i++) {
      long begun = System.nanoTime();
      CLIENT.post("/graphql", batch).expect(400, "INVALID_REQUEST");
      fastest = Math.min(fastest, System.nanoTime() - begun);
    }
    long millis = TimeUnit.NANOSECONDS.toMillis(fastest);
    assertTrue(millis < MAX_MILLIS, millis + " ms");
  }
}
