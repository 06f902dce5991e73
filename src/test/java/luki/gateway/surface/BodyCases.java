package luki.gateway.surface;

import java.nio.charset.StandardCharsets;
import java.util.List;

/** Bodies that are too long, not JSON, or invalid by the schema. */
final class BodyCases extends Cases {
  private static final String TYPE = "Content-Type";

  private final int maxBytes;

  BodyCases(ContractOperation operation, Callers callers, int maxBytes) {
    super(operation, callers);
    this.maxBytes = maxBytes;
  }

  @Override
  void make() {
    tooLong();
    if (operation.takesBody()) {
      notJson();
      notText();
      mediaTypes();
      values();
    } else {
      unexpected();
    }
  }

  private void tooLong() {
    byte[] tooMany = (" ".repeat(maxBytes) + "{}").getBytes(StandardCharsets.US_ASCII);
    Ask ask = good.body(tooMany);
    for (Ask.Framing framing : Ask.Framing.values()) {
      add("over-long, " + framing, ask.framing(framing), 413, "BODY_TOO_LARGE");
    }
  }

  private void unexpected() {
    Ask ask = good.header(TYPE, "application/json");
    // Of DELETE, an empty object is accepted.
    String object = operation.method().equals("DELETE") ? "{\"a\":1}" : "{}";
    invalid("a body", ask.body(object));
    invalid("a chunked body", ask.body(object).framing(Ask.Framing.CHUNKED));
    invalid("a body without a type", good.body(MARKER));
  }

  private void notJson() {
    String example = operation.bodyExample().toString();
    String open = example.substring(0, example.length() - 1);
    for (String text :
        List.of(
            "",
            " ",
            open,
            example + "x",
            example + example,
            open + ",}",
            open + ",'a':1}",
            open + ",\"zz\":NaN}",
            open + ",\"zz\":01}",
            open + ",\"zz\":+1}",
            open + ",\"zz\":1e99999999999999999999}",
            open + ",\"zz\":\"" + MARKER + "\u0001\"}",
            "/* */" + example,
            "\uFEFF" + example,
            MARKER)) {
      invalid("not JSON: " + shown(text), good.body(text));
    }
    invalid("chunked garbage", good.body("{").framing(Ask.Framing.CHUNKED));
    twice(open);
    String deep = "[".repeat(64) + "]".repeat(64);
    invalid("nested 65 deep", good.body(open + ",\"zz\":" + deep + "}"));
    invalid("nested without end", good.body("[".repeat(60_000)));
    invalid("half a surrogate pair", good.body(open + ",\"zz\":\"\\ud83c\"}"));
  }

  private void twice(String open) {
    for (var member : operation.bodyExample().members().entrySet()) {
      String name = member.getKey();
      String escaped = "\\u%04x".formatted((int) name.charAt(0)) + name.substring(1);
      for (String again : List.of(name, escaped)) {
        String body = open + ",\"" + again + "\":" + member.getValue() + "}";
        invalidAt("twice: " + again, good.body(body), "/" + name);
      }
    }
  }

  private void notText() {
    String example = operation.bodyExample().toString();
    String open = example.substring(0, example.length() - 1) + ",\"zz\":\"";
    for (String octets : List.of("\u00ff", "\u00c0\u00af", "\u00ed\u00a0\u0080", "\u00e2\u0082")) {
      byte[] body = (open + octets + "\"}").getBytes(StandardCharsets.ISO_8859_1);
      invalid("bad UTF-8 " + Integer.toHexString(octets.charAt(0)), good.body(body));
    }
    invalid("UTF-16", good.body(example.getBytes(StandardCharsets.UTF_16)));
    invalid("UTF-16LE", good.body(example.getBytes(StandardCharsets.UTF_16LE)));
  }

  private void mediaTypes() {
    Ask untyped = good.withoutHeader(TYPE);
    unsupported("no Content-Type", untyped);
    for (String type :
        List.of(
            "text/plain",
            "application/xml",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonp",
            "application/json-patch+json",
            "text/json",
            "json",
            "",
            "application/json, text/plain",
            "application/json; charset",
            "application/json; charset=utf-16",
            "application/json; charset=iso-8859-1",
            "application/json; charset=\"us-ascii\"",
            "application/json; charset=utf-8; charset=utf-16",
            "application/json; charset=" + MARKER)) {
      unsupported("Content-Type: " + type, untyped.header(TYPE, type));
    }
    unsupported("two Content-Type lines", good.header(TYPE, "application/json"));
    unsupported("gzip", good.header("Content-Encoding", "gzip"));
    unsupported("deflate, br", good.header("Content-Encoding", "deflate, br"));
  }

  private void unsupported(String name, Ask ask) {
    add(name, ask, 415, "UNSUPPORTED_MEDIA_TYPE");
  }

  private void values() {
    for (ValueCases.Broken broken : ValueCases.of(operation)) {
      // A text that is no user id at all; another owner's id is tested elsewhere.
      boolean couldBeAUser =
          broken.pointer().equals("/user_id")
              && broken.body().at("user_id").string("").equals(MARKER);
      if (!couldBeAUser) {
        invalidAt(broken.name(), good.body(broken.body().toString()), broken.pointer());
      }
    }
  }

  private static String shown(String text) {
    String visible = text.replaceAll("[^ -~]", "?");
    return visible.length() < 20 ? visible : "…" + visible.substring(visible.length() - 20);
  }
}
