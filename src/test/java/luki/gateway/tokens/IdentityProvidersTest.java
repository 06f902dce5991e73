package luki.gateway.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.jwk.RSAKey;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Signature;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import luki.gateway.app.Explanation;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.testing.Client;
import luki.http1.Fields;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Key sets and tokens of the shapes that identity providers use, with the configuration that
 * src/docs/IDENTITY-PROVIDERS.md shows for them.
 */
class IdentityProvidersTest {
  private static final Forge FORGE = new Forge();
  private static final RSAKey NEXT = Forge.rsa("next");
  private static final String HEADER = "\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"r1\"";

  /**
   * What a provider publishes and issues.
   *
   * @param heading of its example
   * @param claims without the times
   */
  record Provider(
      String heading, String jwks, String header, String sub, String audience, String claims) {
    String token() {
      String algorithm = header.contains("ES256") ? "ES256" : "RS256";
      return FORGE.sign("{" + header + "}", "{" + allClaims() + "}", algorithm);
    }

    String allClaims() {
      long now = Instant.now().getEpochSecond();
      return "\"sub\":\"%s\",\"iat\":%d.25,\"exp\":%d.5,%s".formatted(sub, now, now + 600, claims);
    }

    String items() {
      return "/v1/elr/items/" + URLEncoder.encode(sub, StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
      return heading;
    }
  }

  private static Provider provider(
      String heading, String jwks, String header, String sub, String claims) {
    String issuer = "\"iss\":\"" + Forge.ISSUER + "\",\"aud\":[\"luki-gateway\",\"userinfo\"],";
    return new Provider(heading, jwks, header, sub, Forge.AUDIENCE, issuer + claims);
  }

  /** A public key as a set has it, with more members. */
  private static String entry(RSAKey key, String more) {
    return Forge.open(key).replaceFirst("}$", "," + more + "}");
  }

  static List<Provider> providers() {
    String chain = "\"x5c\":[\"" + certificate(FORGE.rsa) + "\"],\"x5t\":\"AAAA\"";
    String signing = "\"use\":\"sig\",\"alg\":\"RS256\"";
    return List.of(
        new Provider(
            "Supabase",
            Forge.jwks(
                Forge.open(FORGE.ec)
                    .replace("{", "{\"alg\":\"ES256\",\"ext\":true,\"key_ops\":[\"verify\"],")),
            "\"alg\":\"ES256\",\"kid\":\"e1\",\"typ\":\"JWT\"",
            "7f1c1f0e-6c0c-4b7e-9a55-0d8c9d8a4c11",
            "authenticated",
            "\"iss\":\"%s\",\"aud\":\"authenticated\",\"role\":\"authenticated\",\"aal\":\"aal1\","
                    .formatted(Forge.ISSUER)
                + "\"app_metadata\":{\"provider\":\"email\"},\"user_metadata\":{\"role\":\"admin\"},"
                + "\"amr\":[{\"method\":\"password\",\"timestamp\":1}],\"is_anonymous\":false"),
        provider(
            "Keycloak",
            Forge.jwks(
                entry(FORGE.rsa, "\"use\":\"enc\",\"alg\":\"RSA-OAEP\"," + chain),
                entry(FORGE.rsa, signing + "," + chain + ",\"x5t#S256\":\"BBBB\""),
                entry(FORGE.rsa, "\"use\":\"sig\",\"alg\":\"RS512\"," + chain)),
            HEADER,
            "f:1:maria",
            "\"typ\":\"Bearer\",\"scope\":\"openid email\",\"azp\":\"web\",\"realm_access\":{\"roles\":"
                + "[\"offline_access\",\"patient\"]},\"resource_access\":{}"),
        provider(
            "Auth0",
            Forge.jwks(entry(FORGE.rsa, signing + "," + chain), entry(NEXT, signing)),
            HEADER,
            "auth0|5f7c",
            "\"scope\":\"openid profile\",\"permissions\":[\"elr:read\"],\"azp\":\"x\""),
        provider(
            "Auth0",
            Forge.jwks(entry(FORGE.rsa, signing + "," + chain), entry(NEXT, signing)),
            HEADER,
            "auth0|5f7c",
            "\"scope\":\"openid\",\"https://luki.example/roles\":[\"admin\",\"patient\"]"),
        provider(
            "Microsoft Entra ID",
            Forge.jwks(
                entry(
                    FORGE.rsa,
                    "\"use\":\"sig\",\"cloud_instance_name\":\"microsoftonline.com\","
                        + "\"issuer\":\"https://login.microsoftonline.com/{tenantid}/v2.0\","
                        + chain)),
            HEADER + ",\"x5t\":\"AAAA\",\"nonce\":\"n\"",
            "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
            "\"scp\":\"access_as_user\",\"roles\":[\"patient\"],\"ver\":\"2.0\",\"tid\":\"t\""),
        provider(
            "Google",
            Forge.jwks(entry(FORGE.rsa, signing), entry(NEXT, signing)),
            HEADER,
            "110169484474386276334",
            "\"email\":\"maria@example.test\",\"email_verified\":true"));
  }

  /** The block of YAML under that heading of the page. */
  private static String example(String heading) throws IOException {
    String page = Files.readString(Path.of("src/docs/IDENTITY-PROVIDERS.md"));
    Matcher block =
        Pattern.compile("## " + heading + "\n[^#]*?```yaml\n(tokens:\n[^`]*)```").matcher(page);
    assertTrue(block.find(), "no example for " + heading);
    return block.group(1);
  }

  private static TestIssuer issuer(Provider provider, String yaml) {
    return TestIssuer.of(
        provider.jwks,
        gateway ->
            gateway
                .with("JWT_AUDIENCE", provider.audience)
                .with("METRICS_ACCESS", "scope")
                .yaml("\nplans:\n", "\n" + yaml + "\nplans:\n"));
  }

  @ParameterizedTest
  @MethodSource("providers")
  void itsTokensOpenTheUsersOwnDataAsTheExampleSays(Provider provider)
      throws IOException, InvalidJson {
    try (TestIssuer issuer = issuer(provider, example(provider.heading))) {
      issuer.server().services().grant(provider.sub, "elr_memories");
      Client user = issuer.as(provider.token());
      user.get(provider.items()).expect(200);
      user.get("/v1/elr/items/anna").expect(403, "NOT_OWNER");
      // Of the roles only admin may read it.
      user.get("/metrics").expect(403, "FORBIDDEN");
      assertEquals("pass", explained(issuer, provider, provider.items()));
      assertEquals("NOT_OWNER", explained(issuer, provider, "/v1/elr/items/anna"));
    }
  }

  private static String explained(TestIssuer issuer, Provider provider, String target)
      throws InvalidJson {
    Json claims = Json.parse(("{" + provider.allClaims() + "}").getBytes(StandardCharsets.UTF_8));
    Explanation.Result result =
        issuer
            .gateway()
            .explanation()
            .of(new Explanation.Question("GET", target, Fields.NONE, claims, null));
    return result.refusal() == null ? "pass" : result.refusal().code().name();
  }

  /** A self-signed certificate with few fields, in base64. */
  private static String certificate(RSAKey key) {
    HexFormat hex = HexFormat.of();
    byte[] algorithm = der(0x30, hex.parseHex("06092a864886f70d01010b0500"));
    byte[] name = der(0x30, hex.parseHex("310c300a06035504030c03696470"));
    byte[] time = der(0x17, "260101000000Z".getBytes(StandardCharsets.US_ASCII));
    byte[] open = Forge.unchecked(() -> key.toRSAPublicKey().getEncoded());
    byte[] content =
        der(0x30, der(0x02, new byte[] {1}), algorithm, name, der(0x30, time, time), name, open);
    byte[] signature =
        Forge.unchecked(
            () -> {
              Signature rsa = Signature.getInstance("SHA256withRSA");
              rsa.initSign(key.toPrivateKey());
              rsa.update(content);
              return rsa.sign();
            });
    byte[] whole = der(0x30, content, algorithm, der(0x03, new byte[1], signature));
    return Base64.getEncoder().encodeToString(whole);
  }

  private static byte[] der(int tag, byte[]... parts) {
    int length = Stream.of(parts).mapToInt(part -> part.length).sum();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(tag);
    if (length > 127) {
      out.write(0x82);
      out.write(length >> 8);
    }
    out.write(length);
    Stream.of(parts).forEach(out::writeBytes);
    return out.toByteArray();
  }
}
