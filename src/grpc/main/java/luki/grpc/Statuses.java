package luki.grpc;

import io.grpc.Status;
import java.net.ConnectException;
import luki.gateway.http.ErrorCode;
import luki.gateway.upstream.CircuitBreaker.CallResult;

/** The codes of the gateway as those of gRPC, and what a service's own status means here. */
final class Statuses {
  private Statuses() {}

  /** The status that a client gets for an error. */
  static Status.Code of(ErrorCode code) {
    return switch (code) {
      case INVALID_REQUEST,
          DOWNSTREAM_REJECTED,
          NOT_ACCEPTABLE,
          UNSUPPORTED_MEDIA_TYPE,
          URI_TOO_LONG,
          EXPECTATION_FAILED,
          HTTP_VERSION_NOT_SUPPORTED ->
          Status.Code.INVALID_ARGUMENT;
      case UNAUTHENTICATED -> Status.Code.UNAUTHENTICATED;
      case FORBIDDEN, NOT_OWNER, CONSENT_DENIED -> Status.Code.PERMISSION_DENIED;
      case NOT_FOUND -> Status.Code.NOT_FOUND;
      case METHOD_NOT_ALLOWED, NOT_IMPLEMENTED, VERSION_GONE -> Status.Code.UNIMPLEMENTED;
      case REQUEST_TIMEOUT, DOWNSTREAM_TIMEOUT -> Status.Code.DEADLINE_EXCEEDED;
      case IDEMPOTENCY_IN_PROGRESS, DOWNSTREAM_CONFLICT -> Status.Code.ABORTED;
      case IDEMPOTENCY_MISMATCH -> Status.Code.FAILED_PRECONDITION;
      case BODY_TOO_LARGE, HEADERS_TOO_LARGE, RATE_LIMITED, QUOTA_EXCEEDED, DOWNSTREAM_BUSY ->
          Status.Code.RESOURCE_EXHAUSTED;
      case INTERNAL, DOWNSTREAM_ERROR, DOWNSTREAM_REFUSED -> Status.Code.INTERNAL;
      case OVERLOADED,
          DRAINING,
          DOWNSTREAM_UNAVAILABLE,
          DOWNSTREAM_CIRCUIT_OPEN,
          DOWNSTREAM_NOT_CONFIGURED,
          CONSENT_UNAVAILABLE,
          LIMITER_UNAVAILABLE,
          IDENTITY_UNAVAILABLE ->
          Status.Code.UNAVAILABLE;
    };
  }

  /** The gateway's code for a service's status, for the log and the metrics. */
  static ErrorCode codeOf(Status.Code upstream) {
    return switch (upstream) {
      case INVALID_ARGUMENT, FAILED_PRECONDITION, OUT_OF_RANGE -> ErrorCode.DOWNSTREAM_REJECTED;
      case NOT_FOUND -> ErrorCode.NOT_FOUND;
      case ALREADY_EXISTS, ABORTED -> ErrorCode.DOWNSTREAM_CONFLICT;
      case RESOURCE_EXHAUSTED -> ErrorCode.DOWNSTREAM_BUSY;
      case DEADLINE_EXCEEDED -> ErrorCode.DOWNSTREAM_TIMEOUT;
      case UNAVAILABLE, CANCELLED -> ErrorCode.DOWNSTREAM_UNAVAILABLE;
      // It refused the gateway, not the caller: that was checked here.
      case UNAUTHENTICATED, PERMISSION_DENIED -> ErrorCode.DOWNSTREAM_REFUSED;
      case UNKNOWN, INTERNAL, DATA_LOSS, UNIMPLEMENTED, OK -> ErrorCode.DOWNSTREAM_ERROR;
    };
  }

  /** What a status shows of the service that sent it, or of the way there. */
  static CallResult resultOf(Status status) {
    return switch (status.getCode()) {
      case UNAVAILABLE ->
          status.getCause() instanceof ConnectException
              ? CallResult.NO_CONNECTION
              : CallResult.UNREACHABLE;
      case UNKNOWN, INTERNAL, DATA_LOSS, UNIMPLEMENTED -> CallResult.FAILURE;
      default -> CallResult.SUCCESS;
    };
  }

  /**
   * What the client gets for a service's status: the same where that speaks of the request, without
   * the service's own text.
   */
  static Status.Code passed(Status.Code upstream) {
    return switch (upstream) {
      case INVALID_ARGUMENT,
          FAILED_PRECONDITION,
          OUT_OF_RANGE,
          NOT_FOUND,
          ALREADY_EXISTS,
          ABORTED,
          RESOURCE_EXHAUSTED,
          DEADLINE_EXCEEDED,
          UNAVAILABLE ->
          upstream;
      case CANCELLED -> Status.Code.UNAVAILABLE;
      case UNAUTHENTICATED, PERMISSION_DENIED, UNKNOWN, INTERNAL, DATA_LOSS, UNIMPLEMENTED, OK ->
          Status.Code.INTERNAL;
    };
  }
}
