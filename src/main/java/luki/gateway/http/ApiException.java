package luki.gateway.http;

import luki.gateway.http.Response.Outcome;

/** Carries an error out of a handler to the one place that turns it into a reply. */
public final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient ApiError error;
  private final transient Outcome outcome;

  public ApiException(ApiError error) {
    this(error, Outcome.NONE);
  }

  public ApiException(ApiError error, Outcome outcome) {
    super(error.code().name(), null, false, false);
    this.error = error;
    this.outcome = outcome;
  }

  public ApiError error() {
    return error;
  }

  public Outcome outcome() {
    return outcome;
  }
}
