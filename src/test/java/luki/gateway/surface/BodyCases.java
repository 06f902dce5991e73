package luki.gateway.surface;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Bodies that are too long, not JSON, or invalid by the schema. */
final class BodyCases {
  private static final String TYPE = "Content-Type";

  private final Operation operation;
  private final Ask good;
  private final int maxBytes;
  private final List<Case> cases = new ArrayList<>();

  private BodyCases(Operation operation, Ask good, int maxBytes) {
    this.operation = operation;
    this.good = good;
    this.maxBytes = maxBytes;
  }

  static List<Case> of(Operation operation, Callers callers, int maxBytes) {
    Ask good = operation.isPublic() ? operation.good() : callers.good(operation);
    BodyCases made = new BodyCases(operation, good, maxBytes);
    made.tooLong();
    if (operation.takesBody()) {
      made.notJson();
      made.notText();
      made.mediaTypes();
      made.values();
    } else {
      made.unexpected();
    }
    return made.cases;
  }

  private void tooLong() {
    byte[] tooMany = (" ".repeat(maxBytes) + "{}").getBytes(StandardCharsets.US_ASCII);
    Ask ask = good.body(tooMany);
    for (Ask.Framing framing : Ask.Framing.values()) {
      cases.add(Case.of("over-long, " + framing, ask.framing(framing), 413, "BODY_TOO_LARGE"));
    }
  }

  private void unexpected() {
    Ask ask = good.header(TYPE, "application/json");
    cases.add(Case.invalid("a body", ask.body("{}")));
    cases.add(Case.invalid("a chunked body", ask.body("{}").framing(Ask.Framing.CHUNKED)));
    cases.add(Case.invalid("a body without a type", good.body(Case.MARKER)));
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
            open + ",\"zz\":\"" + Case.MARKER + "\u0001\"}",
            "/* */" + example,
            "\uFEFF" + example,
            Case.MARKER)) {
      cases.add(Case.invalid("not JSON: " + shown(text), good.body(text)));
    }
    cases.add(Case.invalid("chunked garbage", good.body("{").framing(Ask.Framing.CHUNKED)));
    twice(open);
    String deep = "[".repeat(64) + "]".repeat(64);
    cases.add(Case.invalid("nested 65 deep", good.body(open + ",\"zz\":" + deep + "}")));
    cases.add(Case.invalid("nested without end", good.body("[".repeat(60_000))));
    cases.add(Case.invalid("half a surrogate pair", good.body(open + ",\"zz\":\"\\ud83c\"}")));
  }

  private void twice(String open) {
    operation
        .bodyExample()
        .members()
        .forEach(
            (name, value) -> {
              String escaped = "\\u%04x".formatted((int) name.charAt(0)) + name.substring(1);
              for (String again : List.of(name, escaped)) {
                String body = open + ",\"" + again + "\":" + value + "}";
                cases.add(Case.invalidAt("twice: " + again, good.body(body), "/" + name));
              }
            });
  }

  private void notText() {
    String example = operation.bodyExample().toString();
    String open = example.substring(0, example.length() - 1) + ",\"zz\":\"";
    for (byte[] bytes :
        List.of(
            new byte[] {(byte) 0xff},
            new byte[] {(byte) 0xc0, (byte) 0xaf},
            new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80},
            new byte[] {(byte) 0xe2, (byte) 0x82})) {
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      body.writeBytes(open.getBytes(StandardCharsets.UTF_8));
      body.writeBytes(bytes);
      body.writeBytes("\"}".getBytes(StandardCharsets.UTF_8));
      String name = "bad UTF-8 " + Integer.toHexString(bytes[0] & 0xff);
      cases.add(Case.invalid(name, good.body(body.toByteArray())));
    }
    cases.add(Case.invalid("UTF-16", good.body(example.getBytes(StandardCharsets.UTF_16))));
    cases.add(Case.invalid("UTF-16LE", good.body(example.getBytes(StandardCharsets.UTF_16LE))));
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
            "application/json; charset=" + Case.MARKER)) {
      unsupported("Content-Type: " + type, untyped.header(TYPE, type));
    }
    unsupported("two Content-Type lines", good.header(TYPE, "application/json"));
    unsupported("gzip", good.header("Content-Encoding", "gzip"));
    unsupported("deflate, br", good.header("Content-Encoding", "deflate, br"));
  }

  private void unsupported(String name, Ask ask) {
    cases.add(Case.of(name, ask, 415, "UNSUPPORTED_MEDIA_TYPE"));
  }

  private void values() {
    for (ValueCases.Broken broken : ValueCases.of(operation)) {
      // A text that is no user id at all; another owner's id is tested elsewhere.
      boolean couldBeAUser =
          broken.pointer().equals("/user_id")
              && broken.body().at("user_id").string("").equals(Case.MARKER);
      if (!couldBeAUser) {
        cases.add(
            Case.invalidAt(broken.name(), good.body(broken.body().toString()), broken.pointer()));
      }
    }
  }

  private static String shown(String text) {
    String visible = text.replaceAll("[^ -~]", "?");
    return visible.length() < 20 ? visible : "…" + visible.substring(visible.length() - 20);
  }
}
