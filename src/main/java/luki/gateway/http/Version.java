package luki.gateway.http;

import java.time.Instant;
import java.util.Map;
import luki.gateway.json.Json;
import luki.gateway.json.JsonTemplate;
import luki.http1.Fields;

/**
 * A version of the interface that is to end: every path below its prefix.
 *
 * @param name in the access log; lower-case letters and digits
 * @param sunset from then on it answers 410
 * @param headers RFC 9745 {@code Deprecation} and RFC 8594 {@code Sunset}
 * @param pages the part of {@code Link} that names pages about both
 * @param successor the part that names the new path, with its parameters in braces; or empty
 * @param errors the template of its error bodies; missing where they have the current form
 */
public record Version(
    String name, Instant sunset, Fields headers, String pages, String successor, Json errors) {

  public Version with(String link) {
    return new Version(name, sunset, headers, pages, link, errors);
  }

  /**
   * What each of its replies has, an error too.
   *
   * @param pathParameters none for an error, which quotes no value of its request
   */
  public Fields announcement(Map<String, String> pathParameters) {
    String filled = successor;
    for (Map.Entry<String, String> parameter : pathParameters.entrySet()) {
      String value = PercentCoding.encode(parameter.getValue());
      filled = filled.replace("{" + parameter.getKey() + "}", value);
    }
    return headers.with("Link", filled.contains("{") ? pages : filled + pages);
  }

  /** Its error body, for the envelope that the current version has. */
  Json error(Json envelope) {
    return errors.isMissing() ? envelope : JsonTemplate.fill(errors, envelope);
  }
}
