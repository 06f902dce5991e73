package luki.gateway.standin;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Stands in for the cognitive service; assumed from what its callers send, replies are made up. */
final class CognitiveService {
  private final Map<String, String> ownerOfSession = new ConcurrentHashMap<>();
  private final AtomicInteger lastSession = new AtomicInteger();

  Routes routes() {
    return new Routes()
        .get("/", _ -> Reply.ok(Json.object("service", "luki-cognitive", "status", "running")))
        .get("/health", _ -> Reply.ok(Json.object("status", "healthy")))
        .post("/life-story/start", this::start)
        .post("/life-story/continue", call -> step(call, "And what happened then?"))
        .post("/life-story/finish-early", call -> step(call, "Thank you for your story."))
        .get("/life-story/sessions/{user_id}", this::sessions)
        .delete("/life-story/sessions/{session_id}", this::deleteSession)
        .get("/life-story/phases", _ -> Reply.ok(Json.object("phases", phases())))
        .add("PATCH", "/life-story/update-images", this::updateImages)
        .post("/recommendations", this::recommendations)
        .get("/world-day-activities/{user_id}", this::worldDay)
        .post("/analyze/{user_id}", this::analyze)
        .post("/images/photo-reminiscence", this::images);
  }

  private Reply start(Call call) {
    Fields fields = call.fields();
    String user = fields.text("user_id");
    fields.check();
    String session = "ls_" + lastSession.incrementAndGet();
    ownerOfSession.put(session, user);
    return Reply.ok(
        Json.object(
            "session_id", session, "phase", "childhood", "question", "Where did you grow up?"));
  }

  private Reply step(Call call, String next) {
    Fields fields = call.fields();
    String user = fields.text("user_id");
    String session = fields.text("session_id");
    fields.check();
    checkOwner(session, user);
    return Reply.ok(Json.object("session_id", session, "question", next));
  }

  private Reply sessions(Call call) {
    String user = call.param("user_id");
    List<String> own =
        ownerOfSession.entrySet().stream()
            .filter(e -> e.getValue().equals(user))
            .map(Map.Entry::getKey)
            .sorted()
            .toList();
    boolean chunks = Boolean.parseBoolean(call.query().getOrDefault("include_chunks", "false"));
    return Reply.ok(
        chunks
            ? Json.object("user_id", user, "sessions", own, "chunks", List.of())
            : Json.object("user_id", user, "sessions", own));
  }

  private Reply deleteSession(Call call) {
    String user = call.query().get("user_id");
    if (user == null) {
      throw Fields.invalid("missing", List.of("query", "user_id"), "Field required", null);
    }
    String session = call.param("session_id");
    checkOwner(session, user);
    ownerOfSession.remove(session);
    return Reply.ok(Json.object("session_id", session, "deleted", true));
  }

  private Reply updateImages(Call call) {
    Fields fields = call.fields();
    String user = fields.text("user_id");
    String session = fields.text("session_id");
    JsonNode images = fields.object("images");
    fields.check();
    checkOwner(session, user);
    return Reply.ok(Json.object("session_id", session, "images", images));
  }

  private Reply recommendations(Call call) {
    Fields fields = call.fields();
    String user = fields.text("user_id");
    int max = fields.integer("max_recommendations", 3, 1, 50);
    fields.check();
    List<String> all = List.of("Sing together", "Fold the laundry", "Look at the birds");
    return Reply.ok(
        Json.object("user_id", user, "recommendations", all.subList(0, Math.min(max, 3))));
  }

  private Reply worldDay(Call call) {
    return Reply.ok(
        Json.object("user_id", call.param("user_id"), "activities", List.of("Plant a tree")));
  }

  private Reply analyze(Call call) {
    JsonNode given = call.fields().raw();
    return Reply.ok(
        Json.object("user_id", call.param("user_id"), "analysis", Map.of("fields", given.size())));
  }

  private Reply images(Call call) {
    Fields fields = call.fields();
    String user = fields.text("user_id");
    fields.texts("answers");
    int count = fields.integer("n", 1, 1, 10);
    fields.check();
    return Reply.ok(Json.object("user_id", user, "images", List.of(), "requested", count));
  }

  /** A session id names no owner, so the user sent along must be the one who started it. */
  private void checkOwner(String session, String user) {
    if (!user.equals(ownerOfSession.get(session))) {
      throw new Rejection(Reply.detail(404, "Session not found"));
    }
  }

  private static List<String> phases() {
    return List.of("childhood", "youth", "work", "family", "today");
  }
}
