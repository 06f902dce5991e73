package luki.gateway.server;

import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.http1.BadMessage;

/** What a caller is told of a message that the engine does not take. */
final class Refused {
  private Refused() {}

  static ApiError errorOf(BadMessage.Reason reason) {
    return switch (reason) {
      case REQUEST_LINE, FRAMING, CHUNK -> ApiError.invalid("", "framing");
      case FIELD -> ApiError.invalid("", "header");
      case HOST -> ApiError.invalid("", "host");
      case TARGET -> ApiError.invalid("", "path");
      case TIMEOUT -> ApiError.of(ErrorCode.REQUEST_TIMEOUT);
      case TARGET_TOO_LONG -> ApiError.of(ErrorCode.URI_TOO_LONG);
      case EXPECTATION -> ApiError.of(ErrorCode.EXPECTATION_FAILED);
      case FIELDS_TOO_LARGE -> ApiError.of(ErrorCode.HEADERS_TOO_LARGE);
      case CODING, METHOD -> ApiError.of(ErrorCode.NOT_IMPLEMENTED);
      case VERSION -> ApiError.of(ErrorCode.HTTP_VERSION_NOT_SUPPORTED);
      case FAILED, STATUS_LINE -> ApiError.of(ErrorCode.INTERNAL);
    };
  }
}
