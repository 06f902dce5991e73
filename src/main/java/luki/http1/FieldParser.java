package luki.http1;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import luki.http1.BadMessage.Reason;

/** Field lines up to the empty line, of a head or of trailers. */
final class FieldParser {
  private static final int OBJECT_BYTES = 128;

  private FieldParser() {}

  static Fields parse(InputBuffer source, HeadLimits limits) throws IOException {
    Fields.Builder fields = new Fields.Builder();
    parse(source, limits, fields);
    return fields.build();
  }

  /** Adds each line as it is read, so that a refused head still shows those before the bad one. */
  static void parse(InputBuffer source, HeadLimits limits, Fields.Builder fields)
      throws IOException {
    int left = limits.fieldBytes();
    while (true) {
      int end = source.line(left, Reason.FIELDS_TOO_LARGE, Reason.FIELD);
      int start = source.position();
      if (end == start) {
        source.endLine(end);
        return;
      }
      left -= end - start + 2;
      if (left < 0 || fields.size() == limits.fieldLines()) {
        throw new BadMessage(Reason.FIELDS_TOO_LARGE);
      }
      if (limits.fieldBytes() - left > source.usual()) {
        // As strings, with what each of the two objects needs.
        source.hold(2L * (end - start) + OBJECT_BYTES);
      }
      addLine(fields, source.bytes(), start, end);
      source.endLine(end);
    }
  }

  /** RFC 9112 §5: {@code field-name ":" OWS field-value OWS}, no space before, no folding. */
  private static void addLine(Fields.Builder fields, byte[] bytes, int start, int end)
      throws BadMessage {
    int colon = start;
    while (colon < end && Grammar.isTokenByte(bytes[colon])) {
      colon++;
    }
    if (colon == start || colon == end || bytes[colon] != ':') {
      throw new BadMessage(Reason.FIELD);
    }
    int from = colon + 1;
    int to = end;
    while (from < to && Grammar.isSpace(bytes[from])) {
      from++;
    }
    while (to > from && Grammar.isSpace(bytes[to - 1])) {
      to--;
    }
    String value =
        from == to ? "" : new String(bytes, from, to - from, StandardCharsets.ISO_8859_1);
    fields.addParsed(FieldNames.of(bytes, start, colon), value);
  }
}
