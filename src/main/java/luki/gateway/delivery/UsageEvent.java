package luki.gateway.delivery;

import java.time.DateTimeException;
import java.time.Instant;
import luki.gateway.http.Policy.Meter;
import luki.gateway.http.Policy.Units;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import org.jspecify.annotations.Nullable;

/**
 * One billable call, as CloudEvents 1.0 in JSON. It has nothing of the content of the call.
 *
 * @param id the same in each delivery
 * @param principal a keyed hash
 */
public record UsageEvent(
    String id,
    Instant time,
    String principal,
    String plan,
    String operation,
    Units units,
    int status) {
  private static final String TYPE = "luki.gateway.usage.v1";

  public Json toJson() {
    Json.Builder counted = Json.object();
    for (Meter meter : Meter.values()) {
      if (units.of(meter) > 0) {
        counted.put(meter.label(), units.of(meter));
      }
    }
    return Json.object()
        .put("specversion", "1.0")
        .put("id", id)
        .put("source", "luki-api-gateway")
        .put("type", TYPE)
        .put("time", time.toString())
        .put("datacontenttype", "application/json")
        .put(
            "data",
            Json.object()
                .put("principal", principal)
                .put("plan", plan)
                .put("operation", operation)
                .put("units", counted)
                .put("status", status))
        .build();
  }

  /** The event of a line; null where it is not what this class writes. */
  static @Nullable UsageEvent parse(byte[] line) {
    try {
      Json json = Json.parse(line);
      Json data = json.at("data");
      if (!TYPE.equals(json.at("type").string()) || json.at("id").string("").isEmpty()) {
        return null;
      }
      return new UsageEvent(
          json.at("id").string(""),
          Instant.parse(json.at("time").string("")),
          data.at("principal").string(""),
          data.at("plan").string(""),
          data.at("operation").string(""),
          new Units(
              count(data, Meter.REQUESTS),
              count(data, Meter.CHAT_MESSAGES),
              count(data, Meter.STREAMED_CHARACTERS)),
          (int) data.at("status").integer().orElse(0));
    } catch (InvalidJson | DateTimeException torn) {
      return null;
    }
  }

  private static long count(Json data, Meter meter) {
    return data.at("units").at(meter.label()).integer().orElse(0);
  }
}
