package luki.gateway.contract;

import java.time.Duration;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.config.GatewayFileReader;
import luki.gateway.config.Problems;
import luki.gateway.http.Handler;
import luki.gateway.http.Method;
import luki.gateway.http.PathPattern;
import luki.gateway.http.Policy;
import luki.gateway.http.Policy.Access;
import luki.gateway.http.Policy.ConsentRule;
import luki.gateway.http.Policy.Limits;
import luki.gateway.http.Policy.Meter;
import luki.gateway.http.Policy.Owner;
import luki.gateway.http.Route;
import luki.gateway.http.Scope;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;
import org.jspecify.annotations.Nullable;

/** Compiles one operation with its {@code x-gateway} rules. */
final class OperationCompiler {
  private static final Set<String> KEYS =
      Set.of(
          "access",
          "scopes",
          "owner",
          "consent",
          "downstream",
          "handler",
          "deadline",
          "cost",
          "meters",
          "always_admitted");

  private static final int MAX_COST = 1000;

  private final ContractDocument document;
  private final Map<String, Handler> handlers;
  private final Duration defaultDeadline;
  private final Problems problems;
  private final RequestRulesCompiler rules;

  OperationCompiler(
      ContractDocument document,
      Map<String, Handler> handlers,
      Duration defaultDeadline,
      Problems problems) {
    this.document = document;
    this.handlers = Map.copyOf(handlers);
    this.defaultDeadline = defaultDeadline;
    this.problems = problems;
    this.rules = new RequestRulesCompiler(document, problems);
  }

  /** The route, or nothing when the operation has a problem, which is then listed. */
  Optional<Route.Served> compile(
      Method method, PathPattern path, Json item, Json operation, String at) {
    String here = at + "/" + ContractDocument.EXTENSION;
    Json extension = operation.at(ContractDocument.EXTENSION);
    if (!extension.isObject()) {
      problem(at, method + " " + path + " has no x-gateway, so no access rule");
      return Optional.empty();
    }
    for (String key : extension.members().keySet()) {
      if (!KEYS.contains(key)) {
        problem(here + "/" + key, key + " is not known in x-gateway");
      }
    }
    Access access = access(extension, operation, at, here);
    Owner owner = owner(extension.at("owner"), access, path, here);
    Upstream upstream = upstream(extension.at("downstream"), here);
    Handler handler = handlers.get(extension.at("handler").string(""));
    if (handler == null) {
      problem(here, "handler must be one of " + new TreeSet<>(handlers.keySet()));
    }
    if (operation.at("operationId").string("").isBlank()) {
      problem(at, "operationId is missing");
    }
    Route.Rules checks = rules.compile(path, item, operation, at);
    String produces = replies(operation, at);
    if (access == null || owner == null || handler == null) {
      return Optional.empty();
    }
    return Optional.of(
        new Route.Served(
            new Route.Operation(
                operation.at("operationId").string(""),
                method,
                path,
                upstream,
                deadline(extension.at("deadline"), here),
                produces,
                !operation.at("requestBody").isMissing(),
                checks),
            new Policy(
                access,
                owner,
                consent(extension.at("consent"), extension.at("handler").string(""), here),
                limits(extension, access, here),
                alwaysAdmitted(extension.at("always_admitted"), access, here)),
            handler));
  }

  private @Nullable Access access(Json extension, Json operation, String at, String here) {
    return switch (extension.at("access").string("")) {
      case "public" -> publicly(extension, operation, at);
      case "scoped" -> scoped(extension, operation, at, here);
      default -> {
        problem(here, "access must be public or scoped");
        yield null;
      }
    };
  }

  private Access publicly(Json extension, Json operation, String at) {
    Json security = operation.at("security");
    if (extension.at("scopes").size() != 0 || !security.isArray() || security.size() != 0) {
      problem(at, "a public operation has no scopes and security: []");
    }
    return new Access.Public();
  }

  private @Nullable Access scoped(Json extension, Json operation, String at, String here) {
    Set<Scope> allOf = new HashSet<>();
    for (Json scope : extension.at("scopes").items()) {
      if (Scope.isValid(scope.string(""))) {
        allOf.add(new Scope(scope.string("")));
      } else {
        problem(here + "/scopes", "a scope looks like name:action");
      }
    }
    Set<String> documented = new HashSet<>();
    for (Json requirement : operation.at("security").items()) {
      for (Json names : requirement.members().values()) {
        names.items().forEach(name -> documented.add(name.string("")));
      }
    }
    if (!documented.equals(Set.copyOf(allOf.stream().map(Scope::name).toList()))) {
      problem(at, "security must name the scopes of x-gateway, and no other");
    }
    if (allOf.isEmpty()) {
      problem(here, "a scoped operation names its scopes");
      return null;
    }
    return new Access.Scoped(allOf);
  }

  private @Nullable Owner owner(
      Json owner, @Nullable Access access, PathPattern path, String here) {
    if (owner.string("").equals("none") || (owner.isMissing() && access instanceof Access.Public)) {
      return new Owner.Nobody();
    }
    String name = owner.at("name").string("");
    if (name.isEmpty() || access instanceof Access.Public) {
      problem(here, "owner must be none or {in, name}, and none where access is public");
      return null;
    }
    boolean inPath = path.segments().contains(new PathPattern.Segment.Parameter(name));
    String in = owner.at("in").string("");
    if ((in.equals("path") || in.equals("item")) && !inPath) {
      problem(here + "/owner", "the path has no parameter {" + name + "}");
      return null;
    }
    return switch (in) {
      case "body" -> new Owner.InBody(name);
      case "query" -> new Owner.InQuery(name);
      case "path" -> new Owner.InPath(name);
      case "item" -> new Owner.ItemPrefix(name);
      default -> {
        problem(here + "/owner", "in must be body, query, path or item");
        yield null;
      }
    };
  }

  private @Nullable ConsentRule consent(Json consent, String handler, String here) {
    if (consent.isMissing()) {
      return null;
    }
    List<String> scopes = consent.at("scopes").items().stream().map(s -> s.string("")).toList();
    String operation = consent.at("operation").string("");
    String askedBy = consent.at("asked_by").string("");
    if (scopes.isEmpty()
        || scopes.contains("")
        || operation.isEmpty()
        || !Set.of("filter", "handler").contains(askedBy)) {
      problem(here + "/consent", "consent must have scopes, operation, asked_by: filter|handler");
      return null;
    }
    if (askedBy.equals("handler") && !(handlers.get(handler) instanceof Handler.AsksConsent)) {
      problem(
          here + "/consent", "asked_by: handler is not for " + handler + ", which does not ask");
      return null;
    }
    return new ConsentRule(
        scopes,
        operation,
        askedBy.equals("filter") ? ConsentRule.AskedBy.FILTER : ConsentRule.AskedBy.HANDLER);
  }

  /** Only what needs no caller: a scoped operation must not pass a gateway that is draining. */
  private boolean alwaysAdmitted(Json value, Access access, String here) {
    if (!value.isMissing() && !(value.isTrue() && access instanceof Access.Public)) {
      problem(here + "/always_admitted", "always_admitted must be true, on a public operation");
    }
    return value.isTrue();
  }

  private @Nullable Upstream upstream(Json label, String here) {
    if (label.isMissing()) {
      return null;
    }
    for (Upstream upstream : Upstream.values()) {
      if (upstream.label().equals(label.string())) {
        return upstream;
      }
    }
    problem(
        here + "/downstream",
        "downstream must be one of "
            + List.of(Upstream.values()).toString().toLowerCase(Locale.ROOT));
    return null;
  }

  private Duration deadline(Json deadline, String here) {
    if (deadline.isMissing()) {
      return defaultDeadline;
    }
    try {
      return GatewayFileReader.duration(deadline);
    } catch (IllegalArgumentException malformed) {
      problem(here + "/deadline", "deadline must be a duration such as 12s or 15m");
      return defaultDeadline;
    }
  }

  /** A call weighs 1 and counts as a request, unless the operation says otherwise. */
  private Limits limits(Json extension, Access access, String here) {
    if (access instanceof Access.Public) {
      if (!extension.at("cost").isMissing() || !extension.at("meters").isMissing()) {
        problem(here, "a public operation has no caller to count cost or meters for");
      }
      return Limits.FREE;
    }
    long cost = extension.at("cost").isMissing() ? 1 : extension.at("cost").integer().orElse(0);
    if (cost < 1 || cost > MAX_COST) {
      problem(here + "/cost", "cost must be a whole number from 1 to " + MAX_COST);
    }
    if (extension.at("meters").isMissing()) {
      return new Limits((int) cost, Set.of(Meter.REQUESTS));
    }
    Set<Meter> meters = EnumSet.noneOf(Meter.class);
    for (Json label : extension.at("meters").items()) {
      Meter meter = Meter.of(label.string(""));
      if (meter == null) {
        problem(here + "/meters", "meters are requests, chat_messages, streamed_characters");
      } else {
        meters.add(meter);
      }
    }
    return new Limits((int) cost, meters);
  }

  /** Each reply has a schema; the media type of the success decides what Accept must allow. */
  private String replies(Json operation, String at) {
    String produces = "";
    for (Map.Entry<String, Json> reply : operation.at("responses").members().entrySet()) {
      Json content = document.resolve(reply.getValue()).at("content");
      for (Map.Entry<String, Json> medium : content.members().entrySet()) {
        if (medium.getValue().at("schema").isMissing()) {
          problem(at + "/responses/" + reply.getKey(), medium.getKey() + " has no schema");
        }
        if (produces.isEmpty() && reply.getKey().startsWith("2")) {
          produces = medium.getKey();
        }
      }
    }
    if (operation.at("responses").size() == 0) {
      problem(at, "responses are missing");
    }
    return produces.isEmpty() ? "application/json" : produces;
  }

  private void problem(String pointer, String text) {
    problems.add(document.where(pointer), text);
  }
}
