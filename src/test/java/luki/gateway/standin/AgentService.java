package luki.gateway.standin;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Stand-in for the agent, as observed on the running service; but it writes word by word with
 * pauses, while the real one splits a finished answer into parts of 256 characters.
 */
final class AgentService {
  private static final Pattern WORD = Pattern.compile("\\S+\\s*|\\s+");
  private static final byte[] FIELD = "data: ".getBytes(StandardCharsets.UTF_8);

  private final Duration pause;
  private final AtomicInteger open = new AtomicInteger();
  private final AtomicInteger abandoned = new AtomicInteger();
  private volatile @Nullable String secret;

  /** A complete answer; {@code guided} marks one that comes from a tool. */
  private record Speech(String text, boolean guided) {
    Map<String, @Nullable Object> metadata() {
      return guided ? PythonJson.object("guided_file_search", true) : modelMetadata();
    }

    List<String> words() {
      return WORD.matcher(text).results().map(MatchResult::group).toList();
    }
  }

  private record ChatRequest(
      String message, @Nullable String session, JsonNode context, boolean fileSearch) {}

  AgentService(Duration pause) {
    this.pause = pause;
  }

  Routes routes() {
    return new Routes()
        .get("/health", _ -> StandInReply.ok("status", "healthy"))
        .post("/v1/chat", this::chat)
        .post("/v1/chat/stream", this::stream);
  }

  void secret(String secret) {
    this.secret = secret.isEmpty() ? null : secret;
  }

  /** Streams that are open. */
  int openStreams() {
    return open.get();
  }

  /** Streams whose client disconnected before the end. */
  int abandonedStreams() {
    return abandoned.get();
  }

  private StandInReply chat(ServiceCall call) {
    ChatRequest request = read(call);
    Speech speech = speak(request);
    String session = request.session() == null ? "new-session" : request.session();
    return StandInReply.ok(
        "response metadata session_id", speech.text(), speech.metadata(), session);
  }

  private Routes.EventStream stream(ServiceCall call) {
    Speech speech = speak(read(call));
    return out -> {
      open.incrementAndGet();
      try {
        write(speech, out);
      } catch (IOException e) {
        abandoned.incrementAndGet();
        throw e;
      } finally {
        open.decrementAndGet();
      }
    };
  }

  private void write(Speech speech, OutputStream out) throws IOException, InterruptedException {
    Iterator<String> words = speech.words().iterator();
    out.write(FIELD);
    while (words.hasNext()) {
      Thread.sleep(pause);
      out.write(event("{\"token\": " + PythonJson.writeAscii(words.next()) + "}"));
      out.flush();
      // The first write after a client has disconnected succeeds, the second fails: the start of
      // the
      // next event is written at once, so a disconnect is noticed within one pause.
      out.write(FIELD);
      out.flush();
    }
    String metadata = speech.guided() ? ", \"metadata\": {\"guided_file_search\": true}" : "";
    out.write(event("{\"done\": true" + metadata + "}"));
    out.flush();
  }

  private static byte[] event(String json) {
    return (json + "\n\n").getBytes(StandardCharsets.UTF_8);
  }

  private ChatRequest read(ServiceCall call) {
    checkSecret(call);
    BodyFields fields = call.fields();
    String message = fields.text("message");
    fields.text("user_id");
    String session = fields.optionalText("session_id");
    JsonNode context = fields.optionalObject("context");
    fields.optionalText("persona_id");
    fields.check();
    return new ChatRequest(
        message, session, context, fields.optional("file_search_mode").asBoolean(false));
  }

  private void checkSecret(ServiceCall call) {
    String expected = secret;
    if (expected != null && !expected.equals(call.header("x-internal-secret").orElse(""))) {
      throw new Routes.Rejection(
          StandInReply.detail(403, "Forbidden: Invalid or missing internal API secret"));
    }
  }

  private static Speech speak(ChatRequest request) {
    String message = request.message();
    if (message.contains("find my") && !request.fileSearch()) {
      return new Speech("Please turn on file search first, then ask me again. 🔍", true);
    }
    List<String> parts = new ArrayList<>();
    parts.add("You said: “" + message.strip() + "”.");
    JsonNode memories = request.context().path("memory_context");
    for (JsonNode memory : memories) {
      parts.add("I remember that you told me: “" + memory.path("content").asText() + "”.");
      if (parts.size() == 3) {
        break;
      }
    }
    int turns = request.context().path("conversation_history").size();
    parts.add(turns == 0 ? "It is good to hear from you." : "It is good that we talk again.");
    parts.add("Would you like to tell me more?");
    return new Speech(String.join(" ", parts), false);
  }

  private static Map<String, @Nullable Object> modelMetadata() {
    return PythonJson.object(
        "schema safety_metrics",
        "minimal",
        PythonJson.object(
            "filters_applied pii_redactions consent_checks input_violations output_violations last_updated safety_level",
            0,
            0,
            0,
            0,
            0,
            null,
            "standard"));
  }
}
