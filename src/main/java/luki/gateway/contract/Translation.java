package luki.gateway.contract;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import luki.gateway.http.Body;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Method;
import luki.gateway.http.PercentCoding;
import luki.gateway.http.Policy.Owner;
import luki.gateway.http.Query;
import luki.gateway.http.Request;
import luki.gateway.http.Response;
import luki.gateway.http.Route;
import luki.gateway.http.UserId;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.json.JsonSchema.Violation;
import luki.gateway.json.JsonTemplate;
import org.jspecify.annotations.Nullable;

/**
 * An operation of an old version. Its request becomes one of its successor, which must conform to
 * the successor's schemas too, and the successor's reply becomes one of its own.
 *
 * @param rules the old operation's own schemas
 * @param templates {@code request} and {@code reply} of the contract; what has no template there is
 *     the same in both versions
 * @param blank a reference to a text, and the successor instead where that text is blank
 */
record Translation(
    RequestRules rules, Route.Served successor, Json templates, @Nullable WhenBlank blank)
    implements Route.Rules, Handler {
  private static final String REQUEST = "/request/";

  record WhenBlank(String reference, Route.Served successor) {}

  @Override
  public List<Violation> check(Exchange exchange) {
    List<Violation> details = new ArrayList<>(rules.check(exchange));
    if (details.isEmpty()) {
      Json scope = scope(exchange);
      for (var expected : templates.pointer(REQUEST + "expect").members().entrySet()) {
        if (!JsonTemplate.find(expected.getKey(), scope).equals(expected.getValue())) {
          details.add(new Violation(expected.getKey().substring("$body".length()), "const"));
        }
      }
    }
    if (details.isEmpty()) {
      Exchange translated = translated(exchange);
      details.addAll(translated.operation().rules().check(translated));
    }
    return details;
  }

  @Override
  public Response handle(Exchange exchange) throws IOException, InterruptedException {
    Exchange translated = translated(exchange);
    String allowed = exchange.subject() == null ? null : exchange.user().value();
    if (!Objects.equals(userOf(translated), allowed)) {
      throw new IllegalStateException(successor.operation().id() + " would act for another user");
    }
    Response response = translated.served().handler().handle(translated);
    return response.outcome().refusal() == null ? translated(response) : response;
  }

  /** What templates of a request may name. */
  private Json scope(Exchange exchange) {
    Json.Builder scope = Json.object().put("parameters", rules.parametersOf(exchange));
    return scope.put("body", exchange.json()).build();
  }

  private Exchange translated(Exchange old) {
    Json scope = scope(old);
    boolean isBlank =
        blank != null && JsonTemplate.find(blank.reference, scope).string("").isBlank();
    Route.Served route = blank != null && isBlank ? blank.successor : successor;
    Json query = templates.pointer(REQUEST + "query");
    Json body = templates.pointer(REQUEST + "body");
    Exchange.Payload payload = old.payload();
    if (route.operation().takesBody() && !body.isMissing()) {
      Json filled = JsonTemplate.fill(body, scope);
      payload = new Exchange.Payload((Body.Bytes) Body.of(filled.bytes()), filled);
    }
    Request was = old.request();
    Query asked = was.query();
    if (route.operation().takesBody()) {
      asked = Query.NONE;
    } else if (!query.isMissing()) {
      asked = query(JsonTemplate.fill(query, scope));
    }
    Request request =
        was.with(was.method() == Method.HEAD ? Method.HEAD : route.method(), asked, was.headers());
    return old.to(request, route, payload);
  }

  private static Query query(Json parameters) {
    List<String> pairs = new ArrayList<>();
    for (Map.Entry<String, Json> one : parameters.members().entrySet()) {
      String value = one.getValue().string(one.getValue().toString());
      pairs.add(one.getKey() + "=" + PercentCoding.encode(value));
    }
    return Query.parse(String.join("&", pairs));
  }

  /** The user of the translated request: its caller was allowed to act for that of the old one. */
  private static @Nullable String userOf(Exchange translated) {
    return switch (translated.policy().owner()) {
      case Owner.None _ -> null;
      case Owner.InBody in -> translated.json().at(in.name()).string();
      case Owner.InQuery in -> translated.request().query().only(in.name());
      case Owner.InPath in -> translated.pathParameter(in.name());
      case Owner.ItemPrefix in -> UserId.ownerOf(translated.pathParameter(in.name()));
    };
  }

  private Response translated(Response response) {
    Json reply = templates.at("reply");
    Response old = response.as((int) reply.at("status").integer().orElse(response.status()));
    return switch (response.body()) {
      case Body.Bytes whole when !reply.at("body").isMissing() ->
          old.with(Body.of(filled(reply.at("body"), "reply", whole.bytes()).bytes()));
      case Body.Stream(Body.Source source, _) -> old.with(new Body.Stream(source, this::event));
      case Body.Bytes _, Body.Empty _, Body.Upgraded _ -> old;
    };
  }

  private static Json filled(Json template, String name, byte[] json) {
    try {
      return JsonTemplate.fill(template, Json.object().put(name, Json.parseReply(json)).build());
    } catch (InvalidJson notJson) {
      throw new IllegalStateException("the successor's reply is not JSON", notJson);
    }
  }

  /** An event without its id and its name; a comment as it is. */
  private byte[] event(byte[] event) {
    String name = "message";
    String data = "";
    for (String line : new String(event, StandardCharsets.UTF_8).split("\n", -1)) {
      name = line.startsWith("event: ") ? line.substring(7) : name;
      data = line.startsWith("data: ") ? line.substring(6) : data;
    }
    if (data.isEmpty()) {
      return event;
    }
    Json template = templates.pointer("/reply/events/" + name);
    Json old = filled(template, "event", data.getBytes(StandardCharsets.UTF_8));
    List<String> members = new ArrayList<>();
    // With a space after the colon, as version 0 wrote it: some of its clients compare texts.
    old.members().forEach((key, value) -> members.add(Json.of(key) + ": " + value));
    String text = "data: {" + String.join(", ", members) + "}\n\n";
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
