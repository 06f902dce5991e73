package luki.gateway.filter;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.gateway.http.ApiError;
import luki.gateway.http.Query;
import luki.gateway.keys.ApiKeyText;
import luki.gateway.observe.Label.AuthMethod;
import luki.gateway.observe.Label.AuthOutcome;
import luki.gateway.tokens.TokenVerifier.BearerToken;
import luki.http1.AsciiSet;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/** The credential in a request's head, as it was sent: nothing of it is verified. */
public sealed interface PresentedCredential {
  record Key(ApiKeyText key) implements PresentedCredential {}

  /** A bearer token that is no API key. */
  record Token(BearerToken token) implements PresentedCredential {}

  /** Nothing that could be verified. */
  record Unsupported(AuthMethod method, AuthOutcome outcome, ApiError because)
      implements PresentedCredential {}

  /** A key that is mistyped. */
  PresentedCredential MISTYPED = refused(new ApiError.Unauthenticated(true));

  // RFC 9110 §11.1: the scheme is a token, compared without case.
  Pattern SCHEME = Pattern.compile("([!#$%&'*+.^_`|~0-9A-Za-z-]+)( .*)?");
  AsciiSet B64TOKEN = AsciiSet.alphanumericAnd("-._~+/");
  Set<String> QUERY_NAMES = Set.of("api_key", "apikey", "access_token", "token", "x-api-key");

  /** Reads the head. RFC 6750 §2: a client must not use more than one way. */
  static PresentedCredential in(Fields headers, Query query) {
    for (String name : query.names()) {
      if (QUERY_NAMES.contains(name.toLowerCase(Locale.ROOT))) {
        return malformed("/" + name, "credential_in_query");
      }
    }
    List<String> authorization = headers.all("Authorization");
    List<String> apiKey = headers.all("X-API-Key");
    if (authorization.size() + apiKey.size() > 1) {
      return malformed("/Authorization", "one_credential");
    }
    if (!apiKey.isEmpty()) {
      return key(apiKey.getFirst());
    }
    return authorization.isEmpty()
        ? new Unsupported(AuthMethod.NONE, AuthOutcome.REFUSED, new ApiError.Unauthenticated(false))
        : authorization(authorization.getFirst());
  }

  private static PresentedCredential authorization(String value) {
    String token = bearerToken(value);
    if (token != null) {
      return token.startsWith(ApiKeyText.PREFIX)
          ? key(token)
          : BearerToken.of(token).<PresentedCredential>map(Token::new).orElse(MISTYPED);
    }
    Matcher scheme = SCHEME.matcher(value);
    if (scheme.matches() && !scheme.group(1).equalsIgnoreCase("bearer")) {
      // RFC 6750 §3.1: a scheme that is not supported is as no credential.
      return refused(
          new ApiError.Unauthenticated(
              false, "Write 'Authorization: Bearer <API key or token>' or 'X-API-Key: <API key>'"));
    }
    return malformed("/Authorization", "malformed");
  }

  /** RFC 6750 §2.1: the scheme, spaces, a b64token; null for anything else. */
  private static @Nullable String bearerToken(String value) {
    if (!value.regionMatches(true, 0, "Bearer ", 0, 7)) {
      return null;
    }
    int from = 7;
    while (from < value.length() && value.charAt(from) == ' ') {
      from++;
    }
    int to = value.length();
    while (to > from && value.charAt(to - 1) == '=') {
      to--;
    }
    return to > from && B64TOKEN.containsAll(value, from, to) ? value.substring(from) : null;
  }

  private static PresentedCredential key(String text) {
    return ApiKeyText.parse(text).<PresentedCredential>map(Key::new).orElse(MISTYPED);
  }

  private static PresentedCredential malformed(String pointer, String rule) {
    return new Unsupported(AuthMethod.NONE, AuthOutcome.MALFORMED, ApiError.invalid(pointer, rule));
  }

  private static PresentedCredential refused(ApiError because) {
    return new Unsupported(AuthMethod.BEARER, AuthOutcome.REFUSED, because);
  }
}
