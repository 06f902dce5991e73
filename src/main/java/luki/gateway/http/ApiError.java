package luki.gateway.http;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import luki.gateway.json.JsonSchema.Violation;
import luki.http1.BadMessage;
import org.jspecify.annotations.Nullable;

/** Why a request is refused or failed; holds only what a caller may read. */
public sealed interface ApiError {
  ErrorCode code();

  default int status() {
    return code().status();
  }

  default String message() {
    return code().message("The service");
  }

  /** How long to wait before another try, where that is known. */
  default @Nullable Duration retryAfter() {
    return null;
  }

  static ApiError of(ErrorCode code) {
    return new Plain(code, null);
  }

  static ApiError of(ErrorCode code, Duration retryAfter) {
    return new Plain(code, retryAfter);
  }

  /** For what is short of something for the moment: another try after a second may succeed. */
  static ApiError retrySoon(ErrorCode code) {
    return new Plain(code, Duration.ofSeconds(1));
  }

  /** For a stream that had begun and did not come to an end. */
  static ApiError unfinished(Upstream who) {
    return new Specific(ErrorCode.DOWNSTREAM_TIMEOUT, who.title() + " did not finish in time");
  }

  /** A page of another origin opens a WebSocket, which no rule of the browser prevents. */
  static ApiError forbiddenOrigin() {
    return new Specific(ErrorCode.FORBIDDEN, "Pages of this origin may not connect");
  }

  static ApiError invalid(String pointer, String rule) {
    return new Invalid(List.of(new Violation(pointer, rule)));
  }

  /** For a message that an engine refused. */
  static ApiError of(BadMessage.Reason reason) {
    return switch (reason) {
      case REQUEST_LINE, FRAMING, CHUNK -> invalid("", "framing");
      case FIELD -> invalid("", "header");
      case HOST -> invalid("", "host");
      case TARGET -> invalid("", "path");
      case TIMEOUT -> of(ErrorCode.REQUEST_TIMEOUT);
      case TARGET_TOO_LONG -> of(ErrorCode.URI_TOO_LONG);
      case EXPECTATION -> of(ErrorCode.EXPECTATION_FAILED);
      case FIELDS_TOO_LARGE -> of(ErrorCode.HEADERS_TOO_LARGE);
      case OVERLOADED -> retrySoon(ErrorCode.OVERLOADED);
      case CODING, METHOD -> of(ErrorCode.NOT_IMPLEMENTED);
      case VERSION -> of(ErrorCode.HTTP_VERSION_NOT_SUPPORTED);
      case FAILED, STATUS_LINE -> of(ErrorCode.INTERNAL);
    };
  }

  record Plain(ErrorCode code, @Nullable Duration retryAfter) implements ApiError {}

  /** In the body; the pointer of a parameter is {@code /} and its name. */
  record Invalid(List<Violation> details) implements ApiError {
    public Invalid {
      details = List.copyOf(details);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.INVALID_REQUEST;
    }
  }

  /**
   * RFC 6750 §3.1: with no credential there is no error code in the challenge.
   *
   * @param message says what to send
   */
  record Unauthenticated(boolean credentialPresented, String message) implements ApiError {
    public Unauthenticated(boolean credentialPresented) {
      this(credentialPresented, ErrorCode.UNAUTHENTICATED.message(""));
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.UNAUTHENTICATED;
    }
  }

  record MissingScope(Set<Scope> needed) implements ApiError {
    public MissingScope {
      needed = Set.copyOf(needed);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.FORBIDDEN;
    }
  }

  /** An error whose message says more than its code does. */
  record Specific(ErrorCode code, String message) implements ApiError {}

  record WrongMethod(Set<Method> allowed) implements ApiError {
    public WrongMethod {
      allowed = Set.copyOf(allowed);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.METHOD_NOT_ALLOWED;
    }
  }

  /** A service behind the gateway is the cause; its own text stays behind. */
  record FromUpstream(Upstream who, ErrorCode code, @Nullable Duration retryAfter)
      implements ApiError {
    public FromUpstream(Upstream who, ErrorCode code) {
      this(who, code, null);
    }

    @Override
    public String message() {
      return code.message(who.title());
    }
  }
}
