package luki.gateway.http;

/** Every code that an error reply can carry, with its status. */
public enum ErrorCode {
  INVALID_REQUEST(400, "The request is not valid"),
  DOWNSTREAM_REJECTED(400, "%s rejected the request"),
  UNAUTHENTICATED(401, "A valid credential is needed"),
  FORBIDDEN(403, "The credential lacks a scope that this needs"),
  NOT_OWNER(403, "The caller may not act for this user"),
  CONSENT_DENIED(403, "The user has not consented to this"),
  NOT_FOUND(404, "There is nothing here"),
  METHOD_NOT_ALLOWED(405, "This path does not have that method"),
  NOT_ACCEPTABLE(406, "This route cannot answer in an accepted type"),
  REQUEST_TIMEOUT(408, "The request did not come in time"),
  IDEMPOTENCY_IN_PROGRESS(409, "The first request with this key is still running"),
  DOWNSTREAM_CONFLICT(409, "%s reports a conflict"),
  VERSION_GONE(410, "This version is no longer served"),
  BODY_TOO_LARGE(413, "The body is too large"),
  URI_TOO_LONG(414, "The request target is too long"),
  UNSUPPORTED_MEDIA_TYPE(415, "The body must be application/json in UTF-8, not encoded"),
  EXPECTATION_FAILED(417, "This expectation cannot be met"),
  IDEMPOTENCY_MISMATCH(422, "This key was used with another request"),
  RATE_LIMITED(429, "Too many requests"),
  QUOTA_EXCEEDED(429, "The quota is used up"),
  DOWNSTREAM_BUSY(429, "%s is busy"),
  HEADERS_TOO_LARGE(431, "The headers are too large"),
  INTERNAL(500, "The gateway failed"),
  NOT_IMPLEMENTED(501, "This method is not known"),
  HTTP_VERSION_NOT_SUPPORTED(505, "Only HTTP/1.1 and HTTP/1.0 are served"),
  DOWNSTREAM_UNAVAILABLE(502, "%s is not available"),
  DOWNSTREAM_ERROR(502, "%s failed"),
  DOWNSTREAM_REFUSED(502, "%s refused the gateway"),
  OVERLOADED(503, "Too much is going on, try again"),
  DRAINING(503, "This instance is stopping, try again"),
  DOWNSTREAM_CIRCUIT_OPEN(503, "%s is failing and is left alone for a moment"),
  DOWNSTREAM_NOT_CONFIGURED(503, "%s is not configured"),
  CONSENT_UNAVAILABLE(503, "Consent could not be checked"),
  LIMITER_UNAVAILABLE(503, "The limit could not be checked"),
  IDENTITY_UNAVAILABLE(503, "Identity could not be checked"),
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

  /** A fixed sentence; the name of the service fills it where one is to blame. */
  String message(Object who) {
    return message.formatted(who);
  }
}
