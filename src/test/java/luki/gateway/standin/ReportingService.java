package luki.gateway.standin;

import java.util.List;

/** Stands in for the reporting service; assumed from what its callers send, replies are made up. */
final class ReportingService {

  Routes routes() {
    return new Routes()
        .get("/", _ -> Reply.ok(Json.object("service", "luki-reporting", "status", "running")))
        .get("/health", _ -> Reply.ok(Json.object("status", "healthy")))
        .post("/reports/{user_id}/wellbeing", this::wellbeing)
        .get("/reports/{user_id}/trends", this::trends);
  }

  private Reply wellbeing(Call call) {
    int days = call.intQuery("days", 7);
    return Reply.ok(
        Json.object(
            "user_id",
            call.param("user_id"),
            "days",
            days,
            "summary",
            "A calm time with a few good talks.",
            "mood_average",
            3.8));
  }

  private Reply trends(Call call) {
    return Reply.ok(
        Json.object(
            "user_id", call.param("user_id"),
            "mood", List.of(3.5, 3.6, 3.8),
            "direction", "rising"));
  }
}
