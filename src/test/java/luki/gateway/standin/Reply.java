package luki.gateway.standin;

import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A complete reply of a stand-in, sent after the {@code delay}. */
public record Reply(int status, Map<String, String> headers, String body, Duration delay)
    implements Routes.ServiceAnswer {
  public Reply {
    headers = Map.copyOf(headers);
  }

  /** A JSON text with its content type and no delay. */
  public static Reply json(int status, String body) {
    return new Reply(status, Map.of("Content-Type", "application/json"), body, Duration.ZERO);
  }

  /** The same reply after a delay. */
  public Reply after(Duration wait) {
    return new Reply(status, headers, body, wait);
  }

  static Reply of(int status, Object body) {
    return json(status, PythonJson.write(body));
  }

  /** 200 with an object of these members. */
  static Reply ok(String names, @Nullable Object... values) {
    return of(200, PythonJson.object(names, values));
  }

  /** The form of every error that is not a validation failure. */
  static Reply detail(int status, Object detail) {
    return of(status, PythonJson.object("detail", detail));
  }
}
