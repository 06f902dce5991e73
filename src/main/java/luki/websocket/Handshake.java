package luki.websocket;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/** The opening handshake (RFC 6455 §4.2). No extension is negotiated. */
public final class Handshake {
  private static final String PROTOCOLS = "Sec-WebSocket-Protocol";
  private static final String KEY = "Sec-WebSocket-Key";
  private static final String VERSION = "Sec-WebSocket-Version";
  private static final String GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  private static final int KEY_BYTES = 16;

  private Handshake() {}

  /** The name of the header that is missing or wrong; null where the request is a handshake. */
  public static @Nullable String problem(Fields headers) {
    if (!headers.hasToken("Upgrade", "websocket")) {
      return "Upgrade";
    }
    if (!headers.hasToken("Connection", "Upgrade")) {
      return "Connection";
    }
    if (!"13".equals(headers.only(VERSION))) {
      return VERSION;
    }
    String key = headers.only(KEY);
    return key == null || !isKey(key) ? KEY : null;
  }

  private static boolean isKey(String text) {
    try {
      return Base64.getDecoder().decode(text).length == KEY_BYTES;
    } catch (IllegalArgumentException notBase64) {
      return false;
    }
  }

  /** The subprotocols that the client offers, in its order of preference. */
  public static List<String> protocols(Fields headers) {
    return Stream.of(String.join(",", headers.all(PROTOCOLS)).split(",", -1))
        .map(String::strip)
        .filter(member -> !member.isEmpty())
        .toList();
  }

  /**
   * The head of the 101 reply to a valid handshake.
   *
   * @param protocol one of those that the client offers; null for none
   */
  public static Fields reply(Fields headers, @Nullable String protocol) {
    String accept = accept(String.valueOf(headers.only(KEY)));
    Fields reply = Fields.of("Upgrade", "websocket", "Sec-WebSocket-Accept", accept);
    return protocol == null ? reply : reply.with(PROTOCOLS, protocol);
  }

  private static String accept(String key) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-1")
              .digest((key + GUID).getBytes(StandardCharsets.US_ASCII));
      return Base64.getEncoder().encodeToString(hash);
    } catch (NoSuchAlgorithmException everyJvmHasIt) {
      throw new IllegalStateException(everyJvmHasIt);
    }
  }
}
