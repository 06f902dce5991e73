package luki.gateway.server;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import luki.gateway.contract.Router;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Body;
import luki.gateway.http.Deadline;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Method;
import luki.gateway.http.Query;
import luki.gateway.http.Request;
import luki.gateway.http.Target;
import luki.http1.BadMessage;
import luki.http1.BodyFraming;
import luki.http1.Fields;
import luki.http1.RawHead;
import luki.http1.RequestHead;
import org.jspecify.annotations.Nullable;

/**
 * An exchange of the engine to a request. That of the JDK's own is checked again: it is lenient
 * where RFC 9112 lets a server be strict, and a filter further in could not mend the framing.
 */
final class ExchangeReader {
  private static final int PIECE = 16 * 1024;

  /** Bytes of a body that are rather read for nothing than the connection closed. */
  static final int MAX_DRAIN_BYTES = 64 * 1024;

  private static final Duration LINGER = Duration.ofSeconds(1);
  private static final Duration LOOK = Duration.ofMillis(5);
  private static final int QUIET_LOOKS = 20;
  private static final Pattern DIGITS = Pattern.compile("[0-9]{1,15}");

  private final int maxHeaderBytes;

  ExchangeReader(int maxHeaderBytes) {
    this.maxHeaderBytes = maxHeaderBytes;
  }

  /**
   * What came in.
   *
   * @param target null when it is refused
   * @param refusal why the message is not even routed; the connection is closed after it
   */
  record Incoming(
      Request request, @Nullable Target target, @Nullable ApiError refusal, Input input) {

    /** The reply was made without the body, and that is too long to be read for nothing. */
    boolean hasMuchUnread() {
      return !input.ended
          && (request.declaredLength() < 0 || request.declaredLength() > MAX_DRAIN_BYTES);
    }

    /**
     * Lets a sender that is still writing see the reply: a connection that is closed with bytes
     * unread is reset, and the reply may be lost with it (RFC 9112 §9.6).
     */
    void linger() throws IOException {
      input.discard(LINGER);
    }
  }

  Incoming read(HttpExchange http) {
    return http instanceof RawHead raw ? read(http, raw.head()) : readAgain(http);
  }

  /** Our own engine has refused whatever could be read in two ways. */
  private static Incoming read(HttpExchange http, RequestHead head) {
    Fields.Builder headers = new Fields.Builder();
    head.fields().forEach(headers::add);
    long length =
        switch (head.body()) {
          case BodyFraming.None _ -> 0;
          case BodyFraming.Fixed fixed -> fixed.bytes();
          case BodyFraming.Chunked _, BodyFraming.UntilClose _ -> -1;
        };
    Method method = Method.of(head.method());
    Target target = Target.parse(head.target()).orElse(null);
    Input input = new Input(http.getRequestBody(), length);
    Request request =
        new Request(
            method,
            target == null ? Query.parse("") : Query.parse(target.rawQuery()),
            headers.build(),
            length == 0 ? Body.EMPTY : new Body.Stream(input),
            length,
            peerOf(http));
    return new Incoming(request, target, Router.refusalOf(method, head.target(), target), input);
  }

  private Incoming readAgain(HttpExchange http) {
    Fields headers = headersOf(http);
    Method method = Method.of(http.getRequestMethod());
    String raw = http.getRequestURI().toString();
    Optional<Target> target = Target.parse(raw);
    boolean chunked = headers.has("Transfer-Encoding");
    long length = chunked ? -1 : lengthOf(headers);
    Input input = new Input(http.getRequestBody(), length);
    Body body = length == 0 ? Body.EMPTY : new Body.Stream(input);
    Query query = Query.parse(target.map(Target::rawQuery).orElse(""));
    Request request = new Request(method, query, headers, body, length, peerOf(http));
    ApiError framing = refusal(http, headers);
    ApiError refusal =
        framing == null ? Router.refusalOf(method, raw, target.orElse(null)) : framing;
    return new Incoming(request, target.orElse(null), refusal, input);
  }

  private @Nullable ApiError refusal(HttpExchange http, Fields headers) {
    boolean http11 = http.getProtocol().equals("HTTP/1.1");
    if (!http11 && !http.getProtocol().equals("HTTP/1.0")) {
      return ApiError.of(ErrorCode.HTTP_VERSION_NOT_SUPPORTED);
    }
    if (!isFramed(headers, http11)) {
      return ApiError.invalid("", "framing");
    }
    if (sizeOf(headers) > maxHeaderBytes) {
      return ApiError.of(ErrorCode.HEADERS_TOO_LARGE);
    }
    // RFC 9110 §10.1.1: no other expectation is known.
    boolean expects =
        headers.all("Expect").stream().anyMatch(value -> !value.equalsIgnoreCase("100-continue"));
    return expects ? ApiError.of(ErrorCode.EXPECTATION_FAILED) : null;
  }

  /** RFC 9112 §3.2, §5.5, §6.1–6.3: one reading of the message, or none. */
  private static boolean isFramed(Fields headers, boolean http11) {
    List<String> lengths = headers.all("Content-Length");
    List<String> encodings = headers.all("Transfer-Encoding");
    int hosts = headers.all("Host").size();
    boolean host = http11 ? hosts == 1 : hosts <= 1;
    boolean length =
        lengths.isEmpty() || (lengths.size() == 1 && DIGITS.matcher(lengths.getFirst()).matches());
    boolean encoding =
        encodings.isEmpty()
            || (http11
                && lengths.isEmpty()
                && encodings.size() == 1
                && encodings.getFirst().equalsIgnoreCase("chunked"));
    boolean[] clean = {true};
    headers.forEach((_, value) -> clean[0] &= isFieldValue(value));
    return host && length && encoding && clean[0];
  }

  private static boolean isFieldValue(String value) {
    return value.chars().noneMatch(c -> (c < 0x20 && c != '\t') || c == 0x7f);
  }

  private static int sizeOf(Fields headers) {
    int[] size = {0};
    headers.forEach((name, value) -> size[0] += name.length() + value.length() + 4);
    return size[0];
  }

  private static long lengthOf(Fields headers) {
    String length = headers.only("Content-Length");
    return length != null && DIGITS.matcher(length).matches() ? Long.parseLong(length) : 0;
  }

  private static Fields headersOf(HttpExchange http) {
    Fields.Builder headers = new Fields.Builder();
    http.getRequestHeaders()
        .forEach((name, values) -> values.forEach(value -> headers.add(name, value)));
    return headers.build();
  }

  private static String peerOf(HttpExchange http) {
    InetAddress address = http.getRemoteAddress().getAddress();
    return address == null ? "" : textOf(address);
  }

  static String textOf(InetAddress address) {
    String text = address.getHostAddress();
    int zone = text.indexOf('%');
    return zone < 0 ? text : text.substring(0, zone);
  }

  /** A request body in pieces. */
  static final class Input implements Body.Source {
    private final InputStream in;
    private final long declared;
    private long taken;
    private boolean ended;

    Input(InputStream in, long declared) {
      this.in = in;
      this.declared = declared;
      this.ended = declared == 0;
    }

    @Override
    public byte @Nullable [] next() throws IOException {
      if (ended) {
        return null;
      }
      byte[] piece = new byte[declared < 0 ? PIECE : (int) Math.min(PIECE, declared - taken)];
      int n = read(piece);
      taken += Math.max(0, n);
      ended = n < 0 || taken == declared;
      return n < 0 ? null : n == piece.length ? piece : Arrays.copyOf(piece, n);
    }

    private int read(byte[] piece) throws IOException {
      try {
        return in.read(piece);
      } catch (BadMessage bad) {
        throw new ApiException(Refused.errorOf(bad.reason()));
      }
    }

    /** Drops what comes within a time, as long as it goes on coming. */
    void discard(Duration most) throws IOException {
      Deadline end = Deadline.after(most);
      byte[] dropped = new byte[PIECE];
      int quiet = 0;
      while (!end.hasPassed() && quiet < QUIET_LOOKS) {
        if (in.available() > 0) {
          quiet = in.read(dropped) < 0 ? QUIET_LOOKS : 0;
        } else {
          quiet++;
          LockSupport.parkNanos(LOOK.toNanos());
        }
      }
    }

    /** The engine drains or drops the rest. */
    @Override
    public void close() {}
  }
}
