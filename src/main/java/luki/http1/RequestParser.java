package luki.http1;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.EOFException;
import java.io.IOException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.http1.BadMessage.Reason;
import org.jspecify.annotations.Nullable;

/** Request heads of one connection, one after another. */
public final class RequestParser {
  private static final Pattern VERSION = Pattern.compile("HTTP/[0-9]\\.[0-9]");
  private static final Pattern ABSOLUTE_FORM = Pattern.compile("(?i:https?)://([^/?]*+)/?+(.*)");

  private final InputBuffer source;
  private final HeadLimits limits;
  private String method = "";
  private String target = "";
  private boolean http11 = true;
  private Fields.@Nullable Builder unfinished;

  public RequestParser(InputBuffer source, HeadLimits limits) {
    this.source = source;
    this.limits = limits;
  }

  /** What was read of a refused head; method and target are empty where it did not get so far. */
  public RequestHead refused() {
    Fields fields = unfinished == null ? Fields.NONE : unfinished.build();
    return new RequestHead(method, target, http11, fields, BodyFraming.NONE);
  }

  /**
   * Blocks for the next head.
   *
   * @return null when the stream ends before its first byte
   * @throws BadMessage it is refused
   * @throws EOFException the stream ends within it
   */
  public @Nullable RequestHead next() throws IOException {
    method = "";
    target = "";
    http11 = true;
    if (source.isEmpty() && !source.fill()) {
      return null;
    }
    int end = line();
    if (end == source.position()) {
      // RFC 9112 §2.2: one empty line before a request is ignored.
      source.endLine(end);
      end = line();
    }
    if (!readMethod(end)) {
      throw new BadMessage(Reason.REQUEST_LINE);
    }
    byte[] bytes = source.bytes();
    int first = source.position() + method.length() + 1;
    int second = first;
    while (second < end && bytes[second] > ' ' && bytes[second] < 0x7f) {
      second++;
    }
    if (second < end && bytes[second] != ' ') {
      throw new BadMessage(Reason.TARGET);
    }
    target = new String(bytes, first, second - first, ISO_8859_1);
    http11 = isHttp11(bytes, second + 1, end);
    source.endLine(end);
    Fields.Builder fields = new Fields.Builder();
    unfinished = fields;
    FieldParser.parse(source, limits, fields);
    Fields all = fields.build();
    checkHost(http11, all);
    target = target(method, target, all.first("Host"));
    RequestHead head = new RequestHead(method, target, http11, all, framing(http11, all));
    unfinished = null;
    return head;
  }

  /**
   * The head of a request.
   *
   * @param method a token, as sent
   * @param target the origin-form, or {@code *}; an absolute-form is reduced to its path and query
   * @param http11 false: HTTP/1.0
   * @param body how the body is framed
   */
  public record RequestHead(
      String method, String target, boolean http11, Fields fields, BodyFraming body) {}

  private int line() throws IOException {
    try {
      return source.line(limits.lineBytes(), Reason.TARGET_TOO_LONG, Reason.REQUEST_LINE);
    } catch (BadMessage bad) {
      // RFC 9110 §9.3.2: the reply to a HEAD has no body, whatever is wrong with the rest.
      boolean _ = readMethod(source.end());
      throw bad;
    }
  }

  /** Whether what is buffered up to there begins with a method and a space. */
  private boolean readMethod(int end) {
    byte[] bytes = source.bytes();
    int from = source.position();
    int space = from;
    while (space < end && Grammar.isTokenByte(bytes[space])) {
      space++;
    }
    boolean begins = space > from && space < end && bytes[space] == ' ';
    if (begins) {
      method = FieldNames.of(bytes, from, space);
    }
    return begins;
  }

  /** RFC 9112 §3.2: exactly one {@code Host}; a request of HTTP/1.0 may have none. */
  public static void checkHost(boolean http11, Fields fields) throws BadMessage {
    String host = fields.first("Host");
    int hosts = host == null ? 0 : fields.count("Host");
    if (hosts > 1 || (hosts == 0 && http11) || (host != null && !Grammar.isHost(host))) {
      throw new BadMessage(Reason.HOST);
    }
  }

  /**
   * How the body is framed, and that the client expects no more than a 100.
   *
   * @throws BadMessage two readers might disagree about where it ends, or it expects something else
   */
  public static BodyFraming framing(boolean http11, Fields fields) throws BadMessage {
    BodyFraming body = BodyFraming.ofRequest(http11, fields);
    String expect = fields.first("Expect");
    if (expect != null
        && (fields.count("Expect") > 1 || !expect.equalsIgnoreCase("100-continue"))) {
      // RFC 9110 §10.1.1: no other expectation is known.
      throw new BadMessage(Reason.EXPECTATION);
    }
    return body;
  }

  private static boolean isHttp11(byte[] bytes, int from, int end) throws BadMessage {
    if (FieldNames.isAt("HTTP/1.1", bytes, from, end)) {
      return true;
    }
    if (FieldNames.isAt("HTTP/1.0", bytes, from, end)) {
      return false;
    }
    // RFC 9112 §2.3: HTTP-name "/" DIGIT "." DIGIT is a version, but not a supported one.
    String sent = from < end ? new String(bytes, from, end - from, ISO_8859_1) : "";
    throw new BadMessage(VERSION.matcher(sent).matches() ? Reason.VERSION : Reason.REQUEST_LINE);
  }

  /** RFC 9112 §3.2: the origin-form, or {@code *}, of any of the four forms. */
  private static String target(String method, String raw, @Nullable String host) throws BadMessage {
    if (method.equals("CONNECT")) {
      throw new BadMessage(Reason.METHOD);
    }
    if (raw.equals("*")) {
      // §3.2.4: for OPTIONS alone.
      if (method.equals("OPTIONS")) {
        return raw;
      }
      throw new BadMessage(Reason.TARGET);
    }
    String target = raw.startsWith("/") ? raw : ofAbsolute(raw, host);
    if (!Grammar.isOriginForm(target)) {
      throw new BadMessage(Reason.TARGET);
    }
    return target;
  }

  private static String ofAbsolute(String raw, @Nullable String host) throws BadMessage {
    Matcher absolute = ABSOLUTE_FORM.matcher(raw);
    if (!absolute.matches()) {
      throw new BadMessage(Reason.TARGET);
    }
    String named = absolute.group(1);
    // §3.2.2: a client sends the same Host; where it differs, two readers may disagree. A port in
    // one of them alone makes no difference.
    if (!Grammar.isHost(named) || (host != null && !Grammar.isSameHost(named, host))) {
      throw new BadMessage(Reason.HOST);
    }
    return "/" + absolute.group(2);
  }
}
