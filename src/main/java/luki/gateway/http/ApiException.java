package luki.gateway.http;

/** Carries an error out of a handler to the one place that turns it into a reply. */
public final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient ApiError error;
  private final transient Facts facts;

  public ApiException(ApiError error) {
    this(error, Facts.NONE);
  }

  public ApiException(ApiError error, Facts facts) {
    super(error.code().name(), null, false, false);
    this.error = error;
    this.facts = facts;
  }

  public ApiError error() {
    return error;
  }

  public Facts facts() {
    return facts;
  }
}
