package luki.gateway.surface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import luki.gateway.filter.Errors;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.Chain;
import luki.gateway.http.Deadline;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Ids;
import luki.gateway.http.Method;
import luki.gateway.http.PathPattern;
import luki.gateway.http.Query;
import luki.gateway.http.Request;
import luki.gateway.http.Response;
import luki.gateway.http.Route;
import luki.gateway.http.Scope;
import luki.gateway.http.Upstream;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import luki.http1.ByteBudget;
import luki.http1.Fields;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every error that there is, through the steps that each reply passes: one shape, the headers for
 * browsers, and CORS for a listed origin only. Each kind of caller's own errors is also provoked
 * over a socket by the other tests of this package.
 */
class EveryErrorTest {
  private static final String LISTED = "https://app.luki.test";
  private static final String TEMPLATE = "/v1/chat";
  private static final Set<ErrorCode> OF_SERVICES =
      EnumSet.of(
          ErrorCode.DOWNSTREAM_REJECTED,
          ErrorCode.DOWNSTREAM_CONFLICT,
          ErrorCode.DOWNSTREAM_BUSY,
          ErrorCode.DOWNSTREAM_UNAVAILABLE,
          ErrorCode.DOWNSTREAM_ERROR,
          ErrorCode.DOWNSTREAM_REFUSED,
          ErrorCode.DOWNSTREAM_CIRCUIT_OPEN,
          ErrorCode.DOWNSTREAM_NOT_CONFIGURED,
          ErrorCode.DOWNSTREAM_TIMEOUT);

  @AutoClose
  private static final TestGateway GATEWAY =
      TestGateway.builder().with("CORS_ALLOWED_ORIGINS", LISTED).start();

  /** As the steps and handlers make it. */
  private static ApiError error(ErrorCode code) {
    return switch (code) {
      case INVALID_REQUEST -> ApiError.invalid("/user_id", "required");
      case UNAUTHENTICATED -> new ApiError.Unauthenticated(true);
      case FORBIDDEN -> new ApiError.MissingScope(Set.of(new Scope("chat:write")));
      case METHOD_NOT_ALLOWED -> new ApiError.WrongMethod(Set.of(Method.POST));
      default ->
          OF_SERVICES.contains(code)
              ? new ApiError.FromUpstream(Upstream.AGENT, code, Duration.ofSeconds(3))
              : ApiError.of(code, Duration.ofSeconds(3));
    };
  }

  private static HttpReply reply(ApiError error, String... headers) {
    List<Chain.Step> steps = new ArrayList<>();
    for (Chain.Step step : GATEWAY.explanation().steps()) {
      if (step.refusals().isEmpty()) {
        steps.add(step);
      } else {
        break; // From here on a step may refuse.
      }
    }
    steps.add(
        new Chain.Step("refuses", (_, _) -> Response.refused(error), Set.of(error.code()), false));
    Fields fields = Fields.of(headers);
    Ids ids = new Ids(ThreadLocalRandom::current);
    Request request =
        new Request(
            Method.POST,
            Query.NONE,
            fields,
            new Request.Input(InputStream.nullInputStream(), 0),
            "127.0.0.1",
            () -> {});
    Response response =
        new Chain(steps, Errors::of)
            .handle(
                new Exchange(
                    ids.requestId(fields),
                    ids.trace(fields),
                    Instant.now(),
                    System.nanoTime(),
                    request,
                    new Route.Refused(Method.POST, PathPattern.parse(TEMPLATE), error, null),
                    Map.of(),
                    ByteBudget.unlimited(),
                    Exchange.Resolved.nothing(Deadline.after(Duration.ofSeconds(5)))));
    Map<String, List<String>> all = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    response
        .headers()
        .forEach((name, value) -> all.computeIfAbsent(name, _ -> new ArrayList<>()).add(value));
    String body = new String(Body.bytesOf(response.body()), StandardCharsets.UTF_8);
    return new HttpReply(response.status(), all, body, body);
  }

  @ParameterizedTest
  @EnumSource
  void hasTheEnvelopeAndTheHeadersOfEveryReply(ErrorCode code) {
    HttpReply reply = reply(error(code));
    Envelope.holds(reply, TEMPLATE, code.status(), code.name());
    assertEquals(
        code == ErrorCode.DRAINING ? List.of("close") : List.of(), reply.all("Connection"));
  }

  @ParameterizedTest
  @EnumSource
  void isReadableForAListedOriginAndNoOther(ErrorCode code) {
    HttpReply listed = reply(error(code), "Origin", LISTED);
    assertEquals(LISTED, listed.only("Access-Control-Allow-Origin"));
    assertTrue(listed.only("Access-Control-Expose-Headers").contains("X-Request-Id"));
    assertEquals(List.of(), listed.all("Access-Control-Allow-Credentials"));
    for (HttpReply other :
        List.of(
            reply(error(code)),
            reply(error(code), "Origin", "https://evil.test"),
            reply(error(code), "Origin", LISTED, "Origin", LISTED))) {
      assertEquals(List.of(), other.all("Access-Control-Allow-Origin"), other::toString);
      assertEquals("Origin", other.only("Vary"));
    }
    assertEquals("Origin", listed.only("Vary"));
  }

  @ParameterizedTest
  @EnumSource
  void saysWhenToTryAgainWhereThatIsKnown(ErrorCode code) {
    ApiError error = error(code);
    List<String> expected = error.retryAfter() == null ? List.of() : List.of("3");
    assertEquals(expected, reply(error).all("Retry-After"), code.name());
  }

  @Test
  void aPageOfAnotherOriginIsToldApartFromAMissingScope() {
    HttpReply reply = reply(ApiError.forbiddenOrigin(), "Origin", "https://evil.test");
    Envelope.holds(reply, TEMPLATE, 403, "FORBIDDEN");
    assertEquals(List.of(), reply.all("WWW-Authenticate"));
  }
}
