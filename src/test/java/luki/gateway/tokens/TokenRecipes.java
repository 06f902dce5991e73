package luki.gateway.tokens;

import com.nimbusds.jose.EncryptionMethod;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWEAlgorithm;
import com.nimbusds.jose.JWEHeader;
import com.nimbusds.jose.JWEObject;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.DirectEncrypter;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** How each case of the corpus that is a token, or a few, is made. */
final class TokenRecipes {
  private final Forge forge;
  private final ECKey attacker = Tokens.ec("e1", Curve.P_256);
  private final Map<String, Supplier<List<String>>> recipes = new LinkedHashMap<>();

  /**
   * Makes the recipes.
   *
   * @param elsewhere an address that must never be called
   */
  TokenRecipes(Forge forge, String elsewhere) {
    this.forge = forge;
    algorithms();
    shapes();
    headers(elsewhere);
    claims();
  }

  /** The tokens of a case; empty where it is more than a token. */
  Map<String, Supplier<List<String>>> all() {
    return recipes;
  }

  private void one(String id, Supplier<String> token) {
    recipes.put(id, () -> List.of(token.get()));
  }

  private static String claimsOf() {
    return Forge.json(Forge.claims());
  }

  private static String unsigned(String header) {
    return Tokens.base64url(header) + "." + Tokens.base64url(claimsOf()) + ".";
  }

  private void algorithms() {
    one("alg-none4", () -> unsigned("{\"alg\":\"none\"}"));
    one("alg-NONE4", () -> unsigned("{\"alg\":\"NONE\"}"));
    one("alg-nOnE4", () -> unsigned("{\"alg\":\"nOnE\"}"));
    one("alg-none5", () -> unsigned("{\"alg\":\"none \"}"));
    recipes.put(
        "key-confusion",
        () ->
            publicForms().stream()
                .map(key -> Forge.hmac("{\"alg\":\"HS256\",\"kid\":\"r1\"}", claimsOf(), key))
                .toList());
    one(
        "alg-es256-rsa-kid",
        () -> forge.sign("{\"alg\":\"ES256\",\"kid\":\"r1\"}", claimsOf(), "ES256"));
    recipes.put("psychic", this::zeroSignatures);
    one(
        "es256-der",
        () -> {
          String token = forge.good("ES256");
          String input = token.substring(0, token.lastIndexOf('.'));
          try {
            return input
                + "."
                + Forge.base64url(Forge.signature("ES256-DER", forge.ec.toECPrivateKey(), input));
          } catch (JOSEException cannotBe) {
            throw new IllegalStateException(cannotBe);
          }
        });
    one(
        "rs-malleable",
        () -> forge.sign("{\"alg\":\"RS256\",\"kid\":\"r1\"}", claimsOf(), "PS256"));
    one("alg-lower", () -> forge.sign("{\"alg\":\"rs256\",\"kid\":\"r1\"}", claimsOf(), "RS256"));
    one("alg-missing", () -> forge.sign("{\"kid\":\"r1\"}", claimsOf(), "RS256"));
    recipes.put(
        "alg-hs-empty",
        () ->
            List.of(
                Forge.hmac("{\"alg\":\"HS256\",\"kid\":\"r1\"}", claimsOf(), new byte[0]),
                Forge.hmac("{\"alg\":\"HS256\",\"kid\":\"e1\"}", claimsOf(), new byte[1]),
                Forge.hmac("{\"alg\":\"HS256\"}", claimsOf(), new byte[0])));
  }

  private List<byte[]> publicForms() {
    try {
      byte[] der = forge.rsa.toRSAPublicKey().getEncoded();
      String pem =
          "-----BEGIN PUBLIC KEY-----\n"
              + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
              + "\n-----END PUBLIC KEY-----";
      return List.of(
          pem.getBytes(StandardCharsets.US_ASCII),
          (pem + "\n").getBytes(StandardCharsets.US_ASCII),
          der,
          forge.rsa.toPublicJWK().toJSONString().getBytes(StandardCharsets.UTF_8),
          forge.jwks().getBytes(StandardCharsets.UTF_8));
    } catch (JOSEException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  private List<String> zeroSignatures() {
    List<String> tokens = new ArrayList<>();
    for (String algorithm : List.of("ES256", "ES384", "EdDSA", "RS256")) {
      String good = forge.good(algorithm);
      String input = good.substring(0, good.lastIndexOf('.') + 1);
      for (int length : List.of(64, 96, 256)) {
        tokens.add(input + Forge.base64url(new byte[length]));
      }
    }
    return tokens;
  }

  private void shapes() {
    one("no-third-part", () -> cut(forge.good("ES256")));
    one("four-parts", () -> forge.good("ES256") + ".x");
    one("five-parts-jwe", TokenRecipes::encrypted);
    one("trailing-dot", () -> forge.good("ES256") + ".");
    one("nonjson-header", () -> forge.sign("x", claimsOf(), "ES256"));
    one("payload-array", () -> forge.of("[]"));
    recipes.put("b64-trailing", this::otherTrailingBits);
    recipes.put(
        "dup-claim",
        () ->
            List.of(
                forge.of(claimsOf().replaceFirst("\\{", "{\"sub\":\"anna\",")),
                forge.of(claimsOf().replaceFirst("\\}", ",\"sub\":\"maria_k\"}")),
                forge.of(claimsOf().replaceFirst("\\{", "{\"exp\":9999999999,"))));
  }

  private static String cut(String token) {
    return token.substring(0, token.lastIndexOf('.'));
  }

  private static String encrypted() {
    try {
      JWEObject jwe =
          new JWEObject(
              new JWEHeader(JWEAlgorithm.DIR, EncryptionMethod.A256GCM), new Payload(claimsOf()));
      jwe.encrypt(new DirectEncrypter(new byte[32]));
      return jwe.serialize();
    } catch (JOSEException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  /** The same bytes in another text: the last letter's unused bits are not zero. */
  private List<String> otherTrailingBits() {
    String letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    List<String> tokens = new ArrayList<>();
    String[] parts = forge.good("ES256").split("\\.", -1);
    for (int part = 0; part < 3; part++) {
      if (parts[part].length() % 4 != 0) {
        String[] other = parts.clone();
        String text = other[part];
        int last = letters.indexOf(text.charAt(text.length() - 1));
        other[part] = text.substring(0, text.length() - 1) + letters.charAt(last + 1);
        tokens.add(String.join(".", other));
      }
    }
    return tokens;
  }

  private void headers(String elsewhere) {
    recipes.put("jwk-embed", () -> both("\"jwk\":" + attacker.toPublicJWK().toJSONString()));
    recipes.put(
        "x5u-ext",
        () -> {
          List<String> tokens = new ArrayList<>(both("\"x5u\":\"" + elsewhere + "/x5u\""));
          tokens.addAll(both("\"jku\":\"" + elsewhere + "/jku\""));
          return tokens;
        });
    recipes.put("x5c-self", () -> both("\"x5c\":[\"MIIBszCCAVmgAwIBAgIU\"]"));
    one(
        "kid-path",
        () ->
            Forge.hmac(
                "{\"alg\":\"HS256\",\"kid\":\"../../../../dev/null\"}", claimsOf(), new byte[0]));
    one("kid-sqli", () -> withKeyId("' OR 1=1--"));
    one("kid-crlf", () -> withKeyId("e1\\r\\n{\\\"level\\\":\\\"info\\\"}"));
    one("kid-huge", () -> withKeyId("e".repeat(64 * 1024)));
    recipes.put("crit-unknown", () -> both("\"crit\":[\"x\"],\"x\":1"));
    recipes.put("crit-empty", () -> both("\"crit\":[]"));
    one("token-huge", () -> forge.of(Forge.with("pad", "\"" + "x".repeat(700_000) + "\"")));
    recipes.put(
        "typ-wrong",
        () ->
            List.of("dpop+jwt", "logout+jwt", "luki-service+jwt", "secevent+jwt", "id+jwt").stream()
                .map(
                    type ->
                        forge.sign(
                            "{\"alg\":\"ES256\",\"kid\":\"e1\",\"typ\":\"" + type + "\"}",
                            claimsOf(),
                            "ES256"))
                .toList());
  }

  private String withKeyId(String id) {
    return forge.sign("{\"alg\":\"ES256\",\"kid\":\"" + id + "\"}", claimsOf(), "ES256");
  }

  /** Signed by the attacker, and by the true key. */
  private List<String> both(String member) {
    String header = "{\"alg\":\"ES256\",\"kid\":\"e1\"," + member + "}";
    try {
      return List.of(
          Forge.sign(header, claimsOf(), "ES256", attacker.toECPrivateKey()),
          forge.sign(header, claimsOf(), "ES256"));
    } catch (JOSEException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  private void claims() {
    long now = System.currentTimeMillis() / 1000;
    one("exp-past", () -> forge.of(Forge.with("exp", Long.toString(now - 61))));
    one("exp-missing", () -> forge.of(Forge.without("exp")));
    one("exp-float", () -> forge.of(Forge.with("exp", "9999999999.5")));
    one("exp-negzero", () -> forge.of(Forge.with("exp", "-0")));
    one("iat-future", () -> forge.of(Forge.with("iat", Long.toString(now + 86_400))));
    one("iss-wrong", () -> forge.of(Forge.with("iss", "\"https://other.test\"")));
    one("iss-missing", () -> forge.of(Forge.without("iss")));
    one("iss-unicode", () -> forge.of(Forge.with("iss", "\"https://\u0456ssuer.test\"")));
    one("aud-array-no", () -> forge.of(Forge.with("aud", "[\"a\",\"b\"]")));
    one("aud-array-yes", () -> forge.of(Forge.with("aud", "[\"x\",\"luki-gateway\"]")));
    one("aud-missing", () -> forge.of(Forge.without("aud")));
    one("sub-missing", () -> forge.of(Forge.without("sub")));
    one("sub-empty", () -> forge.of(Forge.with("sub", "\"\"")));
    recipes.put(
        "roles-type",
        () ->
            List.of("{\"admin\":true}", "\"admin\"", "[null]", "[[\"admin\"]]", "1").stream()
                .map(roles -> forge.of(rolesOnly(roles)))
                .toList());
  }

  private static String rolesOnly(String roles) {
    Map<String, String> claims = Forge.claims();
    claims.remove("scope");
    claims.put("roles", roles);
    return Forge.json(claims);
  }
}
