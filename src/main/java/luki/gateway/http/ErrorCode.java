package luki.gateway.http;

/** Every code that an error reply can carry, with its status. */
public enum ErrorCode {
  INVALID_REQUEST(400, "The request is not valid"),
  DOWNSTREAM_REJECTED(400, "%s rejected the request"),
  UNAUTHENTICATED(401, "A valid credential is required"),
  FORBIDDEN(403, "A required scope is missing"),
  NOT_OWNER(403, "The caller may not act for this user"),
  CONSENT_DENIED(403, "The user has not consented"),
  NOT_FOUND(404, "Not found"),
  METHOD_NOT_ALLOWED(405, "The path does not support this method"),
  NOT_ACCEPTABLE(406, "None of the accepted media types can be produced"),
  REQUEST_TIMEOUT(408, "The request took too long to arrive"),
  IDEMPOTENCY_IN_PROGRESS(409, "A request with this key is in progress"),
  DOWNSTREAM_CONFLICT(409, "%s reported a conflict"),
  VERSION_GONE(410, "This version is no longer available"),
  BODY_TOO_LARGE(413, "The body is too large"),
  URI_TOO_LONG(414, "The request target is too long"),
  UNSUPPORTED_MEDIA_TYPE(
      415, "The body must be application/json in UTF-8, without Content-Encoding"),
  EXPECTATION_FAILED(417, "The expectation is not supported"),
  IDEMPOTENCY_MISMATCH(422, "This key was used with another request"),
  RATE_LIMITED(429, "Too many requests"),
  QUOTA_EXCEEDED(429, "The quota is exceeded"),
  DOWNSTREAM_BUSY(429, "%s is busy"),
  HEADERS_TOO_LARGE(431, "The headers are too large"),
  INTERNAL(500, "Internal error"),
  NOT_IMPLEMENTED(501, "The method is not implemented"),
  HTTP_VERSION_NOT_SUPPORTED(505, "Only HTTP/1.1 and HTTP/1.0 are supported"),
  DOWNSTREAM_UNAVAILABLE(502, "%s is unavailable"),
  DOWNSTREAM_ERROR(502, "%s failed"),
  DOWNSTREAM_REFUSED(502, "%s refused the gateway"),
  OVERLOADED(503, "Overloaded, try again later"),
  DRAINING(503, "Shutting down, try again"),
  DOWNSTREAM_CIRCUIT_OPEN(503, "%s is temporarily unavailable"),
  DOWNSTREAM_NOT_CONFIGURED(503, "%s is not configured"),
  CONSENT_UNAVAILABLE(503, "Consent could not be checked"),
  LIMITER_UNAVAILABLE(503, "Limits could not be checked"),
  IDENTITY_UNAVAILABLE(503, "Credentials could not be checked"),
  DOWNSTREAM_TIMEOUT(504, "%s did not respond");

  private final int status;
  private final String message;

  ErrorCode(int status, String message) {
    this.status = status;
    this.message = message;
  }

  public int status() {
    return status;
  }

  /** A fixed sentence, with the name of the service where one is the cause. */
  String message(Object who) {
    return message.formatted(who);
  }
}
