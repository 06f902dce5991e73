package luki.gateway.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import luki.gateway.filter.Errors;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Chain;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Deadline;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Ids;
import luki.gateway.http.Method;
import luki.gateway.http.Query;
import luki.gateway.http.Request;
import luki.gateway.http.Response;
import luki.gateway.http.Route;
import luki.gateway.testing.TestGateway;
import luki.http1.ByteBudget;
import luki.http1.Fields;
import org.junit.jupiter.api.Test;

/** The order of the filters is the precedence of errors, and each has only its own errors. */
class FilterChainTest {
  private static final List<String> ORDER =
      List.of(
          "ReplyHeaders",
          "AccessLog",
          "RecordDenials",
          "Trace",
          "RecordMetrics",
          "Cors",
          "Errors",
          "RefuseUnrouted",
          "Admission",
          "AuthFailureLimit",
          "BrowserCredentials",
          "Authenticate",
          "CountScopeDenials",
          "AuthorizeScope",
          "RateLimitCaller",
          "ReadBody",
          "AuthorizeOwner",
          "Validate",
          "CheckConsent",
          "EnforceIdempotency",
          "ResumeStream",
          "EnforceQuota",
          "RecordConsentChanges");

  /** What is refused, in order, and by which step. */
  private static final List<Precedence> PRECEDENCE =
      List.of(
          new Precedence("RefuseUnrouted", ErrorCode.INVALID_REQUEST), // framing, path
          new Precedence("RefuseUnrouted", ErrorCode.NOT_FOUND),
          new Precedence("RefuseUnrouted", ErrorCode.METHOD_NOT_ALLOWED),
          new Precedence("Admission", ErrorCode.DRAINING),
          new Precedence("Admission", ErrorCode.OVERLOADED),
          new Precedence("AuthFailureLimit", ErrorCode.RATE_LIMITED), // of the address
          new Precedence("BrowserCredentials", ErrorCode.UNAUTHENTICATED), // of the ticket
          new Precedence("Authenticate", ErrorCode.UNAUTHENTICATED),
          new Precedence("AuthorizeScope", ErrorCode.FORBIDDEN),
          new Precedence("RateLimitCaller", ErrorCode.RATE_LIMITED),
          new Precedence("ReadBody", ErrorCode.NOT_ACCEPTABLE),
          new Precedence("ReadBody", ErrorCode.BODY_TOO_LARGE),
          new Precedence("ReadBody", ErrorCode.UNSUPPORTED_MEDIA_TYPE),
          new Precedence("ReadBody", ErrorCode.INVALID_REQUEST), // JSON
          new Precedence("AuthorizeOwner", ErrorCode.NOT_OWNER),
          new Precedence("Validate", ErrorCode.INVALID_REQUEST), // schema
          new Precedence("CheckConsent", ErrorCode.CONSENT_DENIED),
          new Precedence("EnforceIdempotency", ErrorCode.IDEMPOTENCY_IN_PROGRESS),
          new Precedence("EnforceIdempotency", ErrorCode.IDEMPOTENCY_MISMATCH),
          new Precedence("ResumeStream", ErrorCode.NOT_FOUND),
          new Precedence("EnforceQuota", ErrorCode.QUOTA_EXCEEDED));

  private record Precedence(String step, ErrorCode code) {}

  private static List<Chain.Step> steps() {
    try (TestGateway gateway = TestGateway.start(Map.of())) {
      return gateway.explanation().steps();
    }
  }

  @Test
  void theStepsAreInTheDocumentedOrder() {
    assertEquals(ORDER, steps().stream().map(Chain.Step::name).toList());
  }

  @Test
  void thePrecedenceOfErrorsIsTheOrderOfTheStepsThatRefuse() {
    List<Chain.Step> refusing =
        steps().stream().filter(step -> !step.refusals().isEmpty()).toList();
    Set<String> named = new LinkedHashSet<>();
    PRECEDENCE.forEach(one -> named.add(one.step));
    assertEquals(List.copyOf(named), refusing.stream().map(Chain.Step::name).toList());
    List<Precedence> declared = new ArrayList<>();
    for (Precedence one : PRECEDENCE) {
      refusing.stream()
          .filter(step -> step.name().equals(one.step) && step.refusals().contains(one.code))
          .forEach(_ -> declared.add(one));
    }
    assertEquals(PRECEDENCE, declared);
  }

  @Test
  void noStepRefusesWithACodeThatItDoesNotDeclare() {
    Filter returns = (_, _) -> Response.refused(ApiError.of(ErrorCode.NOT_OWNER));
    Filter fails =
        (_, _) -> {
          throw new ApiException(ApiError.of(ErrorCode.NOT_OWNER));
        };
    Filter passes = (exchange, next) -> next.handle(exchange);
    for (Filter filter : List.of(returns, fails)) {
      Chain.Step declared = step("Declared", filter, ErrorCode.NOT_OWNER);
      Chain.Step outer = step("Outer", passes);
      ApiError refusal = run(outer, declared).outcome().refusal();
      assertEquals(ErrorCode.NOT_OWNER, refusal.code());
      Chain.Step undeclared = step("Undeclared", filter, ErrorCode.NOT_FOUND);
      AssertionError found = assertThrows(AssertionError.class, () -> run(outer, undeclared));
      assertTrue(found.getMessage().contains("Undeclared"), found.getMessage());
    }
  }

  private static Chain.Step step(String name, Filter filter, ErrorCode... codes) {
    return new Chain.Step(name, filter, Set.of(codes), false);
  }

  private static Response run(Chain.Step... steps) {
    Request.Input empty = new Request.Input(InputStream.nullInputStream(), 0);
    Request request = new Request(Method.GET, Query.parse(""), Fields.NONE, empty, "", () -> {});
    Ids ids = new Ids(() -> new Random(1));
    Exchange exchange =
        new Exchange(
            ids.requestId(Fields.NONE),
            ids.trace(Fields.NONE),
            Instant.EPOCH,
            System.nanoTime(),
            request,
            new Route.Refused(Method.GET, null, ApiError.of(ErrorCode.NOT_FOUND), null),
            Map.of(),
            ByteBudget.unlimited(),
            Exchange.Resolved.nothing(Deadline.after(Duration.ofSeconds(1))));
    return new Chain(List.of(steps), Errors::of).handle(exchange);
  }
}
