package luki.gateway.http;

import java.util.Optional;
import java.util.regex.Pattern;

/** The id that a caller sent, when it is harmless, or one of ours. */
public record RequestId(String value) {
  private static final Pattern HARMLESS = Pattern.compile("[A-Za-z0-9._-]{1,128}");

  public RequestId {
    if (!HARMLESS.matcher(value).matches()) {
      throw new IllegalArgumentException("not a request id");
    }
  }

  public static Optional<RequestId> parse(String text) {
    return HARMLESS.matcher(text).matches() ? Optional.of(new RequestId(text)) : Optional.empty();
  }
}
