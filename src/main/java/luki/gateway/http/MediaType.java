package luki.gateway.http;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.http1.Grammar;

/**
 * A media type or range of RFC 9110 §8.3.1 and §12.5.1.
 *
 * @param type and subtype, in lower case
 * @param parameters names in lower case
 */
public record MediaType(String type, String subtype, Map<String, String> parameters) {
  private static final String TOKEN = Grammar.TOKEN_PATTERN;
  private static final Pattern ESSENCE = Pattern.compile("\\s*(" + TOKEN + ")/(" + TOKEN + ")\\s*");
  private static final Pattern PARAMETER =
      Pattern.compile(";\\s*(?:(" + TOKEN + ")=(" + TOKEN + "|\"(?:[^\"\\\\]|\\\\.)*+\"))?+\\s*+");

  public MediaType {
    parameters = Map.copyOf(parameters);
  }

  private static final Optional<MediaType> JSON =
      Optional.of(new MediaType("application", "json", Map.of()));

  public static Optional<MediaType> parse(String text) {
    if (text.equals("application/json")) {
      return JSON;
    }
    Matcher essence = ESSENCE.matcher(text);
    if (!essence.lookingAt()) {
      return Optional.empty();
    }
    Map<String, String> parameters = new TreeMap<>();
    Matcher parameter = PARAMETER.matcher(text);
    int at = essence.end();
    while (at < text.length()) {
      if (!parameter.region(at, text.length()).lookingAt()) {
        return Optional.empty();
      }
      if (parameter.group(1) != null) {
        parameters.put(parameter.group(1).toLowerCase(Locale.ROOT), unquoted(parameter.group(2)));
      }
      at = parameter.end();
    }
    return Optional.of(
        new MediaType(
            essence.group(1).toLowerCase(Locale.ROOT),
            essence.group(2).toLowerCase(Locale.ROOT),
            parameters));
  }

  private static String unquoted(String value) {
    return value.startsWith("\"")
        ? value.substring(1, value.length() - 1).replaceAll("\\\\(.)", "$1")
        : value;
  }

  /** JSON in UTF-8, in any of its spellings. */
  public boolean isJson() {
    String charset = parameters.getOrDefault("charset", "utf-8");
    return type.equals("application")
        && subtype.equals("json")
        && charset.equalsIgnoreCase("utf-8");
  }

  /** Whether Accept lines allow {@code type/subtype}: the most specific range decides. */
  public static boolean accepts(List<String> accept, String wanted) {
    if (accept.isEmpty()) {
      return true;
    }
    String wantedType = wanted.substring(0, wanted.indexOf('/'));
    int best = 0;
    boolean allowed = false;
    for (String range : String.join(",", accept).split(",", -1)) {
      Optional<MediaType> parsed = parse(range);
      if (parsed.isPresent()) {
        int weight = parsed.get().matches(wantedType, wanted);
        if (weight > best) {
          best = weight;
          allowed = parsed.get().isWanted();
        }
      }
    }
    return allowed;
  }

  private int matches(String wantedType, String wanted) {
    if ((type + "/" + subtype).equals(wanted)) {
      return 3;
    }
    if (subtype.equals("*")) {
      return type.equals(wantedType) ? 2 : type.equals("*") ? 1 : 0;
    }
    return 0;
  }

  private boolean isWanted() {
    return !parameters.getOrDefault("q", "1").matches("0(\\.0{0,3})?");
  }
}
