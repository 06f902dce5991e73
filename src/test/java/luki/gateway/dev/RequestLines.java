package luki.gateway.dev;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;

/** Turns the JSON lines of the access log into short ones for a person at a terminal. */
final class RequestLines extends OutputStream {
  private static final String DIM = "2";

  private final OutputStream terminal;
  private final boolean colour;
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();

  RequestLines(OutputStream terminal, boolean colour) {
    this.terminal = terminal;
    this.colour = colour;
  }

  @Override
  public void write(int b) throws IOException {
    if (b != '\n') {
      line.write(b);
      return;
    }
    byte[] json = line.toByteArray();
    line.reset();
    terminal.write((shorten(json) + "\n").getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public void flush() throws IOException {
    terminal.flush();
  }

  /** Time, status, method, route, milliseconds, error code, trace id. */
  private String shorten(byte[] json) {
    try {
      Json entry = Json.parse(json);
      Instant at = Instant.parse(entry.at("ts").string(""));
      long status = entry.at("status").integer().orElse(0);
      String millis =
          entry.at("duration_ms").number().setScale(1, RoundingMode.HALF_UP).toPlainString();
      StringBuilder text = new StringBuilder();
      text.append(painted(DIM, DateTimeFormatter.ISO_LOCAL_TIME.format(local(at))));
      text.append(' ').append(painted(colourOf(status), Long.toString(status)));
      text.append(' ').append(String.format("%-8s", entry.at("method").string("")));
      text.append(entry.at("route").string("(no such path)"));
      text.append(' ').append(millis).append(" ms");
      String event = entry.at("event").string("");
      if (!event.equals("request")) {
        text.append(' ').append(event);
      }
      if (entry.at("error_code").string() != null) {
        text.append(' ').append(painted(colourOf(status), entry.at("error_code").string()));
      }
      return text.append(' ').append(painted(DIM, entry.at("trace_id").string(""))).toString();
    } catch (InvalidJson | RuntimeException other) {
      // Not a line of the access log: shown as it is.
      return new String(json, StandardCharsets.UTF_8);
    }
  }

  private static LocalTime local(Instant at) {
    return at.atZone(ZoneId.systemDefault()).toLocalTime().truncatedTo(ChronoUnit.SECONDS);
  }

  /** Green for a success, cyan for a 3xx, yellow for the client's fault, red for a server's. */
  private static String colourOf(long status) {
    return status >= 500 ? "31" : status >= 400 ? "33" : status >= 300 ? "36" : "32";
  }

  private String painted(String code, String text) {
    return colour ? "\u001b[" + code + "m" + text + "\u001b[0m" : text;
  }
}
