package luki.gateway.tokens;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.tokens.TokenVerifier.BearerToken;

/**
 * Feeds vector files of others to the gateway's own checks of keys, headers and signatures, and
 * reports what was accepted. The payloads of such vectors are mostly no claims, so what the claims
 * must say is not part of it. src/docs/VECTORS.md describes the two layouts that are read.
 */
public final class VectorFiles {
  private static final String USAGE =
      """
      usage: make vectors DIR=…
        Reads every *.json file in DIR: Wycheproof's layout (testGroups with a key each, tests with
        jws and result) or {"key": JWK or {"keys": […]}, "cases": [{"id", "jws", "expect"}]} with
        accept or refuse. Checks keys, headers and signatures, not claims.
        Exit code 1 when something was accepted that should be refused, 2 without vectors, else 0.
      """;

  private final PrintStream out;

  VectorFiles(PrintStream out) {
    this.out = out;
  }

  public static void main(String[] arguments) throws IOException {
    System.exit(new VectorFiles(System.out).run(List.of(arguments)));
  }

  /** What a vector is to come to. */
  private enum Expected {
    ACCEPT,
    REFUSE,
    EITHER
  }

  private record Vector(String id, Json keys, String token, Expected expected) {}

  /** Counts of one file; ids of the vectors that came out otherwise than expected. */
  private static final class Tally {
    private int vectors;
    private int accepted;
    private int toAccept;
    private int toRefuse;
    private final List<String> wronglyAccepted = new ArrayList<>();
    private final Map<String, List<String>> stricter = new TreeMap<>();
  }

  int run(List<String> arguments) throws IOException {
    if (arguments.size() != 1 || !Files.isDirectory(Path.of(arguments.getFirst()))) {
      out.print(USAGE);
      return 2;
    }
    List<Path> files;
    try (Stream<Path> all = Files.list(Path.of(arguments.getFirst()))) {
      files = all.filter(path -> path.toString().endsWith(".json")).sorted().toList();
    }
    int vectors = 0;
    boolean bad = false;
    for (Path file : files) {
      Tally tally = tally(file);
      report(file, tally);
      vectors += tally.vectors;
      bad |= !tally.wronglyAccepted.isEmpty();
    }
    if (vectors == 0) {
      out.println("no vectors there");
      return 2;
    }
    return bad ? 1 : 0;
  }

  private static Tally tally(Path file) throws IOException {
    Tally tally = new Tally();
    for (Vector vector : read(file)) {
      Optional<String> refusal = refusalOf(vector);
      boolean accepted = refusal.isEmpty();
      tally.vectors++;
      tally.accepted += accepted ? 1 : 0;
      tally.toAccept += vector.expected == Expected.ACCEPT ? 1 : 0;
      tally.toRefuse += vector.expected == Expected.REFUSE ? 1 : 0;
      if (accepted && vector.expected == Expected.REFUSE) {
        tally.wronglyAccepted.add(vector.id);
      }
      if (!accepted && vector.expected == Expected.ACCEPT) {
        tally.stricter.computeIfAbsent(refusal.get(), _ -> new ArrayList<>()).add(vector.id);
      }
    }
    return tally;
  }

  private void report(Path file, Tally tally) {
    out.printf(
        "%-40s %4d vectors: accepted %d (expected %d), refused %d (expected %d)%n",
        file.getFileName(),
        tally.vectors,
        tally.accepted,
        tally.toAccept,
        tally.vectors - tally.accepted,
        tally.toRefuse);
    tally.wronglyAccepted.forEach(id -> out.println("  ACCEPTED though invalid: " + id));
    tally.stricter.forEach(
        (why, ids) -> out.println("  stricter, " + why + ": " + String.join(" ", ids)));
  }

  private static List<Vector> read(Path file) throws IOException {
    Json root;
    try {
      root = Json.parseReply(Files.readAllBytes(file));
    } catch (InvalidJson notJson) {
      throw new IOException(file + " is no JSON");
    }
    List<Vector> vectors = new ArrayList<>();
    for (Json group : root.at("testGroups").items()) {
      Json key = group.at("public").isMissing() ? group.at("private") : group.at("public");
      for (Json test : group.at("tests").items()) {
        Expected expected =
            switch (test.at("result").string("")) {
              case "valid" -> Expected.ACCEPT;
              case "invalid" -> Expected.REFUSE;
              default -> Expected.EITHER;
            };
        vectors.add(new Vector(test.at("tcId").toString(), key, tokenOf(test), expected));
      }
    }
    for (Json one : root.at("cases").items()) {
      Expected expected =
          one.at("expect").string("").equals("accept") ? Expected.ACCEPT : Expected.REFUSE;
      vectors.add(new Vector(one.at("id").string(""), root.at("key"), tokenOf(one), expected));
    }
    return vectors;
  }

  private static String tokenOf(Json test) {
    for (String name : List.of("jws", "jwt", "token")) {
      if (test.at(name).string() != null) {
        return test.at(name).string("");
      }
    }
    // The JSON serialization, which is none that is taken here.
    return test.at("jws").toString();
  }

  /** Why the gateway refuses it; empty when it would take the signature. */
  private static Optional<String> refusalOf(Vector vector) {
    Json set =
        vector.keys.at("keys").isArray()
            ? vector.keys
            : Json.object().put("keys", Json.array(List.of(vector.keys))).build();
    Optional<JwkSet> keys = JwkSet.ofJwks(set.toString().getBytes(StandardCharsets.UTF_8));
    if (keys.isEmpty()) {
      return Optional.of("no key of a kind and strength that is taken");
    }
    Optional<SignedToken> token = parsed(vector.token);
    if (token.isEmpty()) {
      return Optional.of("not a plain compact JWS");
    }
    boolean good =
        keys.get().named(token.get().keyId()).stream().anyMatch(key -> key.verifies(token.get()));
    return good ? Optional.empty() : Optional.of("algorithm " + token.get().algorithm());
  }

  /** By the gateway's own parser, with an empty object in place of a payload that is no claims. */
  private static Optional<SignedToken> parsed(String text) {
    String[] parts = text.split("\\.", -1);
    if (parts.length != 3 || !isCanonical(parts[1])) {
      return Optional.empty();
    }
    return BearerToken.of(parts[0] + ".e30." + parts[2])
        .flatMap(SignedToken::parse)
        .map(
            shape ->
                new SignedToken(
                    shape.algorithm(),
                    shape.keyId(),
                    shape.type(),
                    shape.claims(),
                    parts[0] + "." + parts[1],
                    shape.signature()));
  }

  private static boolean isCanonical(String part) {
    try {
      byte[] bytes = Base64.getUrlDecoder().decode(part);
      return bytes.length > 0
          && Base64.getUrlEncoder().withoutPadding().encodeToString(bytes).equals(part);
    } catch (IllegalArgumentException malformed) {
      return false;
    }
  }
}
