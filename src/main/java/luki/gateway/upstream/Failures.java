package luki.gateway.upstream;

import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Upstream;
import luki.gateway.observe.Label.UpstreamOutcome;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/** The errors that a caller gets for a service's failures; the service's own text is dropped. */
final class Failures {
  private static final int MAX_RETRY_S = 3600;

  private Failures() {}

  /** A reply, or an event of one, that is longer than allowed, or not what it must be. */
  static final class UnusableReply extends IOException {
    private static final long serialVersionUID = 1L;

    UnusableReply(String why) {
      super(why);
    }
  }

  /** The error for a status that is not a success. */
  static ApiError ofStatus(
      Upstream who, int status, @Nullable String retryAfter, boolean namesResource) {
    if (status == 404 && namesResource) {
      return ApiError.of(ErrorCode.NOT_FOUND);
    }
    ErrorCode code =
        switch (status) {
          case 401, 403 -> ErrorCode.DOWNSTREAM_REFUSED;
          case 404, 405 -> ErrorCode.DOWNSTREAM_ERROR;
          case 409 -> ErrorCode.DOWNSTREAM_CONFLICT;
          case 429 -> ErrorCode.DOWNSTREAM_BUSY;
          default ->
              status >= 400 && status < 500
                  ? ErrorCode.DOWNSTREAM_REJECTED
                  : ErrorCode.DOWNSTREAM_ERROR;
        };
    return new ApiError.FromUpstream(who, code, status == 429 ? seconds(retryAfter) : null);
  }

  /** The service's value if it is whole seconds from 1 to 3600, else one second. */
  private static Duration seconds(@Nullable String retryAfter) {
    boolean isNumber = retryAfter != null && retryAfter.matches("[0-9]{1,4}");
    int seconds = isNumber ? Integer.parseInt(retryAfter) : 0;
    return Duration.ofSeconds(seconds >= 1 && seconds <= MAX_RETRY_S ? seconds : 1);
  }

  static ApiError of(Upstream who, IOException failure) {
    if (failure instanceof ByteBudget.Exhausted) {
      return ApiError.retrySoon(ErrorCode.OVERLOADED);
    }
    ErrorCode code =
        causedBy(failure, HttpTimeoutException.class)
            ? ErrorCode.DOWNSTREAM_TIMEOUT
            : causedBy(failure, UnusableReply.class)
                ? ErrorCode.DOWNSTREAM_ERROR
                : ErrorCode.DOWNSTREAM_UNAVAILABLE;
    return new ApiError.FromUpstream(who, code);
  }

  /** The error of a reply; null for a success, and for what is the usual answer to a question. */
  static @Nullable ErrorCode codeOf(Upstream who, Call call, Reply reply) {
    return switch (reply) {
      case Reply.Failed failed -> failed.error().code();
      case Reply.Got got when isSuccess(got.status()) -> null;
      case Reply.Got got when got.status() == 403 && who == Upstream.SECURITY -> null;
      case Reply.Got got -> ofStatus(who, got.status(), null, call.namesResource()).code();
    };
  }

  static UpstreamOutcome outcomeOf(Reply reply) {
    return switch (reply) {
      case Reply.Got got when got.status() < 400 -> UpstreamOutcome.OK;
      case Reply.Got got when got.status() < 500 -> UpstreamOutcome.REJECTED;
      case Reply.Got _ -> UpstreamOutcome.ERROR;
      case Reply.Failed failed ->
          switch (failed.error().code()) {
            case DOWNSTREAM_TIMEOUT -> UpstreamOutcome.TIMEOUT;
            case DOWNSTREAM_UNAVAILABLE -> UpstreamOutcome.UNAVAILABLE;
            case OVERLOADED -> UpstreamOutcome.SHED;
            default -> UpstreamOutcome.ERROR;
          };
    };
  }

  /** No connection was made, so nothing was sent, and there may be time for another attempt. */
  static boolean nothingWasSent(IOException failure) {
    // A connect timeout is caused by a ConnectException too, but has used the call's time up.
    return !causedBy(failure, HttpTimeoutException.class) && isWithoutConnection(failure);
  }

  /** No connection was made, so no request can be the cause. */
  static boolean isWithoutConnection(IOException failure) {
    return causedBy(failure, HttpConnectTimeoutException.class)
        || causedBy(failure, ConnectException.class)
        || causedBy(failure, UnresolvedAddressException.class);
  }

  private static boolean causedBy(Throwable failure, Class<? extends Throwable> kind) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (kind.isInstance(cause)) {
        return true;
      }
    }
    return false;
  }

  static boolean isEventStream(HttpResponse<?> reply) {
    String type = reply.headers().firstValue("Content-Type").orElse("");
    return isSuccess(reply.statusCode())
        && type.split(";", 2)[0].strip().equalsIgnoreCase("text/event-stream");
  }

  /** The error for a reply that should have been an event stream. */
  static ApiError ofNoStream(Upstream who, Reply reply) {
    return switch (reply) {
      case Reply.Failed failed -> failed.error();
      case Reply.Got got when isSuccess(got.status()) -> Upstreams.nonsense(who);
      case Reply.Got got -> ofStatus(who, got.status(), got.retryAfter(), false);
    };
  }

  /** Whether the content is whole: not so with 205, 206 (RFC 9110 §15.3) and 226 (RFC 3229). */
  static boolean isSuccess(int status) {
    return status >= 200 && status <= 299 && status != 205 && status != 206 && status != 226;
  }
}
