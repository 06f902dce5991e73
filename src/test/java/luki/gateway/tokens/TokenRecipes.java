package luki.gateway.tokens;

import com.nimbusds.jose.EncryptionMethod;
import com.nimbusds.jose.JWEAlgorithm;
import com.nimbusds.jose.JWEHeader;
import com.nimbusds.jose.JWEObject;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.DirectEncrypter;
import com.nimbusds.jose.jwk.ECKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The tokens of each case of the corpus that is a token, or a few. */
final class TokenRecipes {
  private final Forge forge;
  private final String claims = Forge.claims();
  private final String good;
  private final String input;
  private final ECKey attacker = Forge.ec("e1");
  private final Map<String, List<String>> tokens = new LinkedHashMap<>();

  private TokenRecipes(Forge forge, String elsewhere) {
    this.forge = forge;
    this.good = forge.good("ES256");
    this.input = good.substring(0, good.lastIndexOf('.'));
    algorithms();
    shapes();
    headers(elsewhere);
    claims();
  }

  /**
   * The tokens by the id of the case.
   *
   * @param elsewhere an address that must never be called
   */
  static Map<String, List<String>> all(Forge forge, String elsewhere) {
    return new TokenRecipes(forge, elsewhere).tokens;
  }

  private void add(String id, String... made) {
    add(id, Stream.of(made));
  }

  private void add(String id, Stream<String> made) {
    tokens.put(id, made.toList());
  }

  private void algorithms() {
    add("alg-none4", Forge.unsigned("none", claims));
    add("alg-NONE4", Forge.unsigned("NONE", claims));
    add("alg-nOnE4", Forge.unsigned("nOnE", claims));
    add("alg-none5", Forge.unsigned("none ", claims));
    String hs256 = Forge.header("HS256", "r1");
    add("key-confusion", forge.publicForms().stream().map(key -> Forge.hmac(hs256, key)));
    add("alg-es256-rsa-kid", forge.sign(Forge.header("ES256", "r1"), claims, "ES256"));
    add("psychic", zeroSignatures());
    var key = Forge.unchecked(forge.ec::toECPrivateKey);
    add("es256-der", input + "." + Forge.base64url(Forge.signature("ES256-DER", key, input)));
    add("rs-malleable", forge.sign(Forge.header("RS256"), claims, "PS256"));
    add("alg-lower", forge.sign(Forge.header("rs256", "r1"), claims, "RS256"));
    add("alg-missing", forge.sign("{\"kid\":\"r1\"}", claims, "RS256"));
    add(
        "alg-hs-empty",
        Forge.hmac(hs256, new byte[0]),
        Forge.hmac(Forge.header("HS256", "e1"), new byte[1]),
        Forge.hmac("{\"alg\":\"HS256\"}", new byte[0]));
  }

  private Stream<String> zeroSignatures() {
    return Stream.of("ES256", "ES384", "EdDSA", "RS256")
        .map(forge::good)
        .map(token -> token.substring(0, token.lastIndexOf('.') + 1))
        .flatMap(
            signed -> Stream.of(64, 96, 256).map(size -> signed + Forge.base64url(new byte[size])));
  }

  private void shapes() {
    add("no-third-part", input);
    add("four-parts", good + ".x");
    add("five-parts-jwe", encrypted());
    add("trailing-dot", good + ".");
    add("nonjson-header", forge.sign("x", claims, "ES256"));
    add("payload-array", forge.of("[]"));
    add("b64-trailing", otherTrailingBits());
    add(
        "dup-claim",
        forge.of(claims.replaceFirst("\\{", "{\"sub\":\"anna\",")),
        forge.of(claims.replaceFirst("\\}", ",\"sub\":\"maria_k\"}")),
        forge.of(claims.replaceFirst("\\{", "{\"exp\":9999999999,")));
  }

  private String encrypted() {
    JWEHeader header = new JWEHeader(JWEAlgorithm.DIR, EncryptionMethod.A256GCM);
    JWEObject jwe = new JWEObject(header, new Payload(claims));
    return Forge.unchecked(
        () -> {
          jwe.encrypt(new DirectEncrypter(new byte[32]));
          return jwe.serialize();
        });
  }

  /** The same bytes in another text: the last letter's unused bits are not zero. */
  private Stream<String> otherTrailingBits() {
    String letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    List<String> others = new ArrayList<>();
    String[] parts = good.split("\\.", -1);
    for (int part = 0; part < 3; part++) {
      if (parts[part].length() % 4 != 0) {
        String[] other = parts.clone();
        String text = other[part];
        int last = letters.indexOf(text.charAt(text.length() - 1));
        other[part] = text.substring(0, text.length() - 1) + letters.charAt(last + 1);
        others.add(String.join(".", other));
      }
    }
    return others.stream();
  }

  private void headers(String elsewhere) {
    // The true key's tokens with such members are good: TokenVerifierTest.
    add("jwk-embed", byAttacker("\"jwk\":" + Forge.open(attacker)));
    add(
        "x5u-ext",
        byAttacker("\"x5u\":\"" + elsewhere + "/x5u\""),
        byAttacker("\"jku\":\"" + elsewhere + "/jku\""));
    add("x5c-self", byAttacker("\"x5c\":[\"MIIBszCCAVmgAwIBAgIU\"]"));
    add("kid-path", Forge.hmac(Forge.header("HS256", "../../../../dev/null"), new byte[0]));
    add("kid-sqli", withKeyId("' OR 1=1--"));
    add("kid-crlf", withKeyId("e1\\r\\n{\\\"level\\\":\\\"info\\\"}"));
    add("kid-huge", withKeyId("e".repeat(64 * 1024)));
    add("crit-unknown", both("\"crit\":[\"x\"],\"x\":1"));
    add("crit-empty", both("\"crit\":[]"));
    add("token-huge", forge.of(Forge.with("pad", Forge.text("x".repeat(700_000)))));
    add(
        "typ-wrong",
        Stream.of("dpop+jwt", "logout+jwt", "luki-service+jwt", "secevent+jwt", "id+jwt")
            .map(type -> forge.sign(header("\"typ\":\"" + type + "\""), claims, "ES256")));
  }

  private String withKeyId(String id) {
    return forge.sign(Forge.header("ES256", id), claims, "ES256");
  }

  private static String header(String member) {
    return "{\"alg\":\"ES256\",\"kid\":\"e1\"," + member + "}";
  }

  private String byAttacker(String member) {
    return Forge.by(attacker, header(member), claims);
  }

  /** Signed by the attacker, and by the true key. */
  private Stream<String> both(String member) {
    return Stream.of(attacker, forge.ec).map(key -> Forge.by(key, header(member), claims));
  }

  private void claims() {
    long now = Instant.now().getEpochSecond();
    add("exp-past", forge.of(Forge.with("exp", Long.toString(now - 61))));
    add("exp-missing", forge.of(Forge.without("exp")));
    add("exp-float", forge.of(Forge.with("exp", "9999999999.5")));
    add("exp-negzero", forge.of(Forge.with("exp", "-0")));
    add("iat-future", forge.of(Forge.with("iat", Long.toString(now + 86_400))));
    add("iss-wrong", forge.of(Forge.with("iss", "\"https://other.test\"")));
    add("iss-missing", forge.of(Forge.without("iss")));
    add("iss-unicode", forge.of(Forge.with("iss", "\"https://\u0456ssuer.test\"")));
    add("aud-array-no", forge.of(Forge.with("aud", "[\"a\",\"b\"]")));
    add("aud-array-yes", forge.of(Forge.with("aud", "[\"x\",\"luki-gateway\"]")));
    add("aud-missing", forge.of(Forge.without("aud")));
    add("sub-missing", forge.of(Forge.without("sub")));
    add("sub-empty", forge.of(Forge.with("sub", "\"\"")));
    String scoped = "\"scope\":\"elr:read\"";
    add(
        "roles-type",
        Stream.of("{\"admin\":true}", "\"admin\"", "[null]", "[[\"admin\"]]", "1")
            .map(roles -> forge.of(claims.replace(scoped, "\"roles\":" + roles))));
  }
}
