package luki.gateway.contract;

import java.util.List;
import luki.gateway.http.PercentCoding;
import luki.gateway.json.Json;

/** How to call an operation, made of the examples of its parameters and its body. */
record CodeSample(ContractDocument document, String method, String path, Json operation) {
  private static final String CONTINUED = " \\\n  ";

  /** The value of {@code x-codeSamples}, which Redoc shows. */
  Json json() {
    boolean upgrades = !operation.at("responses").at("101").isMissing();
    Json sample =
        upgrades ? sample("JavaScript", "WebSocket", webSocket()) : sample("Shell", "curl", curl());
    return Json.array(List.of(sample));
  }

  private static Json sample(String language, String label, String source) {
    return Json.object().put("lang", language).put("label", label).put("source", source).build();
  }

  private String webSocket() {
    return "new WebSocket(\"%s\", [\"luki.chat.v1\", \"bearer.\" + key])"
        .formatted((server() + path).replaceFirst("^http", "ws"));
  }

  private String curl() {
    String target = path;
    StringBuilder query = new StringBuilder();
    StringBuilder headers = new StringBuilder();
    for (Json reference : operation.at("parameters").items()) {
      Json parameter = document.resolve(reference);
      String name = parameter.at("name").string("");
      Json example = parameter.at("example");
      String value = example.string(example.toString());
      String encoded = PercentCoding.encode(value);
      String in = parameter.at("in").string("");
      boolean required = parameter.at("required").isTrue();
      if (in.equals("path")) {
        target = target.replace("{" + name + "}", encoded);
      } else if (in.equals("query") && required) {
        query.append(query.isEmpty() ? '?' : '&').append(name).append('=').append(encoded);
      } else if (in.equals("header") && required) {
        headers.append(CONTINUED).append("-H ").append(quoted(name + ": " + value));
      }
    }
    StringBuilder curl =
        new StringBuilder(ContractDocument.isEventStream(operation) ? "curl -sN" : "curl -s");
    if (!method.equals("GET")) {
      curl.append(" -X ").append(method);
    }
    curl.append(' ').append(quoted(server() + target + query));
    if (operation.at("security").size() > 0) {
      curl.append(CONTINUED).append("-H \"Authorization: Bearer $LUKI_KEY\"");
    }
    curl.append(headers);
    Json body = document.resolve(operation.at("requestBody")).at("content").at("application/json");
    if (!body.isMissing()) {
      curl.append(CONTINUED).append("-H 'Content-Type: application/json'");
      curl.append(CONTINUED).append("-d ").append(quoted(body.at("example").toString()));
    }
    return curl.toString();
  }

  private String server() {
    return document.root().at("servers").at(0).at("url").string("");
  }

  private static String quoted(String text) {
    return "'" + text.replace("'", "'\\''") + "'";
  }
}
