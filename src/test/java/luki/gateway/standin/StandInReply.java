package luki.gateway.standin;

import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A complete reply of a stand-in, sent after the {@code delay}. */
public record StandInReply(int status, Map<String, String> headers, String body, Duration delay)
    implements Routes.ServiceAnswer {
  public StandInReply {
    headers = Map.copyOf(headers);
  }

  public StandInReply(int status, Map<String, String> headers, String body) {
    this(status, headers, body, Duration.ZERO);
  }

  /** A JSON text with its content type and no delay. */
  public static StandInReply json(int status, String body) {
    return new StandInReply(status, Map.of("Content-Type", "application/json"), body);
  }

  /** The same reply after a delay. */
  public StandInReply after(Duration wait) {
    return new StandInReply(status, headers, body, wait);
  }

  static StandInReply of(int status, Object body) {
    return json(status, PythonJson.write(body));
  }

  /** 200 with an object of these members. */
  static StandInReply ok(String names, @Nullable Object... values) {
    return of(200, PythonJson.object(names, values));
  }

  /** The form of every error that is not a validation failure. */
  static StandInReply detail(int status, Object detail) {
    return of(status, PythonJson.object("detail", detail));
  }
}
