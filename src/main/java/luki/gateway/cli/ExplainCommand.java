package luki.gateway.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import luki.gateway.app.Configuration;
import luki.gateway.app.Explanation;
import luki.gateway.app.Gateway;
import luki.gateway.cli.Arguments.BadUsage;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.ErrorCode;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/** {@code explain METHOD PATH}: the verdict of each step on a request, offline. */
record ExplainCommand(PrintStream out) {
  private static final List<String> CREDENTIALS = List.of("Authorization", "X-API-Key");

  int run(Arguments arguments) throws BadUsage, BadConfiguration, IOException {
    byte[] claims = content("--claims", arguments.value("--claims"));
    byte[] body = content("--body", arguments.value("--body"));
    Fields.Builder headers = new Fields.Builder();
    for (String line = arguments.value("--header");
        line != null;
        line = arguments.value("--header")) {
      header(line, headers);
    }
    String method = arguments.word("a method, such as POST,");
    String upper = method.toUpperCase(Locale.ROOT);
    String target = arguments.word("a path, such as /v1/chat,");
    arguments.end();
    Explanation.Question question =
        new Explanation.Question(
            method,
            target,
            headers.build(),
            claims == null ? null : claims(claims),
            body == null ? null : Body.of(body));
    boolean hasCredential = CREDENTIALS.stream().anyMatch(question.headers()::has);
    if (hasCredential && claims != null) {
      throw new BadUsage("give --claims or a credential in --header, not both");
    }
    Configuration configuration = Configuration.ofProcess();
    if (hasCredential) {
      // Without it each key would be unknown, which is not what the gateway would say.
      String _ = configuration.pepper();
    }
    try (Gateway gateway = new Gateway(configuration)) {
      gateway.refreshKeys();
      Explanation.Result result = gateway.explanation().of(question);
      print(result);
      ErrorCode code = result.refusal() == null ? null : result.refusal().code();
      if (code == ErrorCode.UNAUTHENTICATED && claims == null && !hasCredential) {
        out.println(
            "hint                 no credential: add --claims FILE, or --header 'X-API-Key: KEY'");
      } else if (code == ErrorCode.UNSUPPORTED_MEDIA_TYPE && body == null) {
        out.println("hint                 no body: add --body FILE");
      } else if (code == ErrorCode.NOT_IMPLEMENTED && !method.equals(upper)) {
        out.println("hint                 methods are case-sensitive: " + upper);
      }
    }
    return 0;
  }

  private static void header(String line, Fields.Builder headers) throws BadUsage {
    int colon = line.indexOf(':');
    try {
      headers.add(line.substring(0, Math.max(0, colon)).strip(), line.substring(colon + 1).strip());
    } catch (IllegalArgumentException malformed) {
      throw new BadUsage("--header must be like 'Idempotency-Key: k1'");
    }
  }

  private void print(Explanation.Result result) {
    for (Explanation.Verdict verdict : result.verdicts()) {
      out.printf("%-20s %s%n", verdict.step(), verdict.text());
    }
    ApiError refusal = result.refusal();
    out.println(
        refusal == null
            ? "verdict              every step that can be checked offline lets it pass"
            : "verdict              refused: " + refusal.status() + " " + refusal.code());
  }

  private static Json claims(byte[] text) throws BadUsage {
    try {
      Json claims = Json.parse(text);
      if (claims.isObject()) {
        return claims;
      }
    } catch (InvalidJson notJson) {
      // Said below, in the same words.
    }
    throw new BadUsage("--claims must name a file with a JSON object");
  }

  private static byte @Nullable [] content(String flag, @Nullable String file)
      throws BadUsage, IOException {
    if (file == null) {
      return null;
    }
    try {
      return Files.readAllBytes(Path.of(file));
    } catch (InvalidPathException | NoSuchFileException missing) {
      throw new BadUsage(flag + ": there is no file " + file);
    }
  }
}
