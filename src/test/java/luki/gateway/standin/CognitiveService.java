package luki.gateway.standin;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Stand-in for the cognitive service, inferred from its callers; the replies are invented. */
final class CognitiveService {
  private static final List<String> ACTIVITIES =
      List.of(
          "Sing together",
          "Fold the laundry",
          "Look at the birds",
          "Look through old photographs",
          "Water the plants",
          "Bake a simple cake");

  private final Map<String, String> ownerOfSession = new ConcurrentHashMap<>();
  private final AtomicInteger lastSession = new AtomicInteger(1);

  CognitiveService() {
    // The session of the contract's examples.
    ownerOfSession.put("ls_1", "maria_k");
  }

  Routes routes() {
    return new Routes()
        .get("/health", _ -> StandInReply.ok("status", "healthy"))
        .post("/life-story/start", this::start)
        .post("/life-story/continue", call -> step(call, "And what happened then?"))
        .post("/life-story/finish-early", call -> step(call, "Thank you for your story."))
        .get("/life-story/sessions/{user_id}", this::sessions)
        .delete("/life-story/sessions/{session_id}", this::deleteSession)
        .get("/life-story/phases", _ -> StandInReply.ok("phases", phases()))
        .add("PATCH", "/life-story/update-images", this::updateImages)
        .post("/recommendations", this::recommendations)
        .get("/world-day-activities/{user_id}", this::worldDay)
        .post("/analyze/{user_id}", this::analyze)
        .post("/images/photo-reminiscence", this::images);
  }

  private StandInReply start(ServiceCall call) {
    BodyFields fields = call.fields();
    String user = fields.text("user_id");
    fields.check();
    String session = "ls_" + lastSession.incrementAndGet();
    ownerOfSession.put(session, user);
    return StandInReply.ok(
        "session_id phase question", session, "childhood", "Where did you grow up?");
  }

  private StandInReply step(ServiceCall call, String next) {
    BodyFields fields = call.fields();
    String user = fields.text("user_id");
    String session = fields.text("session_id");
    fields.check();
    checkOwner(session, user);
    return StandInReply.ok("session_id question", session, next);
  }

  private StandInReply sessions(ServiceCall call) {
    String user = call.param("user_id");
    List<String> own =
        ownerOfSession.entrySet().stream()
            .filter(e -> e.getValue().equals(user))
            .map(Map.Entry::getKey)
            .sorted()
            .toList();
    boolean chunks = Boolean.parseBoolean(call.query().getOrDefault("include_chunks", "false"));
    return chunks
        ? StandInReply.ok("user_id sessions chunks", user, own, List.of())
        : StandInReply.ok("user_id sessions", user, own);
  }

  private StandInReply deleteSession(ServiceCall call) {
    String user = call.query().get("user_id");
    if (user == null) {
      throw BodyFields.invalid("missing", List.of("query", "user_id"), "Field required", null);
    }
    String session = call.param("session_id");
    checkOwner(session, user);
    ownerOfSession.remove(session);
    return StandInReply.ok("session_id deleted", session, true);
  }

  private StandInReply updateImages(ServiceCall call) {
    BodyFields fields = call.fields();
    String user = fields.text("user_id");
    String session = fields.text("session_id");
    JsonNode images = fields.object("images");
    fields.check();
    checkOwner(session, user);
    return StandInReply.ok("session_id images", session, images);
  }

  private StandInReply recommendations(ServiceCall call) {
    BodyFields fields = call.fields();
    String user = fields.text("user_id");
    int max = fields.integer("max_recommendations", 3, 1, 50);
    fields.check();
    return StandInReply.ok(
        "recommendations user_id timestamp",
        ACTIVITIES.stream().limit(max).map(title -> Map.of("title", title)).toList(),
        user,
        PythonJson.zoneless(Instant.now()));
  }

  private StandInReply worldDay(ServiceCall call) {
    return StandInReply.ok("user_id activities", call.param("user_id"), List.of("Plant a tree"));
  }

  private StandInReply analyze(ServiceCall call) {
    JsonNode given = call.fields().raw();
    return StandInReply.ok(
        "user_id analysis", call.param("user_id"), Map.of("fields", given.size()));
  }

  private StandInReply images(ServiceCall call) {
    BodyFields fields = call.fields();
    String user = fields.text("user_id");
    fields.texts("answers");
    int count = fields.integer("n", 1, 1, 10);
    fields.check();
    return StandInReply.ok("user_id images requested", user, List.of(), count);
  }

  /** A session id has no owner in it, so the user in the request must be the one who started it. */
  private void checkOwner(String session, String user) {
    if (!user.equals(ownerOfSession.get(session))) {
      throw new Routes.Rejection(StandInReply.detail(404, "Session not found"));
    }
  }

  private static List<String> phases() {
    return List.of("childhood", "youth", "work", "family", "today");
  }
}
