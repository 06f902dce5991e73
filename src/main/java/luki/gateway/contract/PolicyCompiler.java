package luki.gateway.contract;

import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import luki.gateway.contract.ContractDocument.Place;
import luki.gateway.http.PathPattern;
import luki.gateway.http.Policy;
import luki.gateway.http.Policy.Access;
import luki.gateway.http.Policy.ConsentRule;
import luki.gateway.http.Policy.Limits;
import luki.gateway.http.Policy.Meter;
import luki.gateway.http.Policy.Owner;
import luki.gateway.http.Scope;
import luki.gateway.json.Json;
import org.jspecify.annotations.Nullable;

/**
 * Compiles the access rules of one operation.
 *
 * @param rules its {@code x-gateway}
 * @param at where that is in the document
 * @param handlerAsks whether its handler checks consent itself
 */
record PolicyCompiler(Json rules, Place at, boolean handlerAsks) {
  private static final int MAX_COST = 1000;

  /** The policy, or null when it has a problem, which is then listed. */
  @Nullable Policy compile(Json security, PathPattern path, Place operation) {
    Access access = access(security, operation);
    Owner owner = owner(rules.at("owner"), access, path);
    ConsentRule consent = consent(rules.at("consent"), at.at("consent"));
    return access == null || owner == null
        ? null
        : new Policy(access, owner, consent, limits(access), alwaysAdmitted(access));
  }

  private @Nullable Access access(Json security, Place operation) {
    return switch (rules.at("access").string("")) {
      case "public" -> {
        if (rules.at("scopes").size() != 0 || !security.isArray() || security.size() != 0) {
          operation.problem("a public operation has no scopes and security: []");
        }
        yield new Access.Public();
      }
      case "authenticated" -> {
        if (!scopes(security, operation).isEmpty()) {
          at.problem("an authenticated operation has no scopes");
        }
        yield new Access.Authenticated();
      }
      case "scoped" -> {
        Set<Scope> allOf = scopes(security, operation);
        if (allOf.isEmpty()) {
          at.problem("a scoped operation must name its scopes");
        }
        yield allOf.isEmpty() ? null : new Access.Scoped(allOf);
      }
      default -> {
        at.problem("access must be public, authenticated or scoped");
        yield null;
      }
    };
  }

  private Set<Scope> scopes(Json security, Place operation) {
    Set<Scope> allOf = new HashSet<>();
    for (Json scope : rules.at("scopes").items()) {
      if (Scope.isValid(scope.string(""))) {
        allOf.add(new Scope(scope.string("")));
      } else {
        at.at("scopes").problem("a scope must be like name:action");
      }
    }
    Set<String> documented = new HashSet<>();
    for (Json requirement : security.items()) {
      for (Json names : requirement.members().values()) {
        names.items().forEach(name -> documented.add(name.string("")));
      }
    }
    if (!documented.equals(Set.copyOf(Scope.names(allOf)))) {
      operation.problem("security must name the scopes of x-gateway, and no other");
    }
    return allOf;
  }

  private @Nullable Owner owner(Json owner, @Nullable Access access, PathPattern path) {
    boolean isPublic = access instanceof Access.Public;
    if (owner.string("").equals("none") || (owner.isMissing() && isPublic)) {
      return new Owner.None();
    }
    String name = owner.at("name").string("");
    if (name.isEmpty() || isPublic) {
      at.problem("owner must be none or {in, name}, and none where access is public");
      return null;
    }
    boolean inPath = path.segments().contains(new PathPattern.Segment.Parameter(name));
    String in = owner.at("in").string("");
    if ((in.equals("path") || in.equals("item")) && !inPath) {
      at.at("owner").problem("the path has no parameter {" + name + "}");
      return null;
    }
    return switch (in) {
      case "body" -> new Owner.InBody(name);
      case "query" -> new Owner.InQuery(name);
      case "path" -> new Owner.InPath(name);
      case "item" -> new Owner.ItemPrefix(name);
      default -> {
        at.at("owner").problem("in must be body, query, path or item");
        yield null;
      }
    };
  }

  private @Nullable ConsentRule consent(Json consent, Place here) {
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
      here.problem("consent must have scopes, operation, asked_by: filter|handler");
      return null;
    }
    boolean byFilter = askedBy.equals("filter");
    if (!byFilter && !handlerAsks) {
      here.problem("asked_by: handler needs a handler that checks consent itself");
    }
    return new ConsentRule(
        scopes, operation, byFilter ? ConsentRule.AskedBy.FILTER : ConsentRule.AskedBy.HANDLER);
  }

  /** Only what needs no caller: a scoped operation must not pass a gateway that is draining. */
  private boolean alwaysAdmitted(Access access) {
    Json value = rules.at("always_admitted");
    if (!value.isMissing() && !(value.isTrue() && access instanceof Access.Public)) {
      at.at("always_admitted").problem("always_admitted must be true, on a public operation");
    }
    return value.isTrue();
  }

  /**
   * A call costs 1 and counts as a request, unless the operation says otherwise; a public one is
   * free, or takes its cost from its address's rate.
   */
  private Limits limits(Access access) {
    Json cost = rules.at("cost");
    Json meters = rules.at("meters");
    boolean isPublic = access instanceof Access.Public;
    if (isPublic && cost.isMissing() && meters.isMissing()) {
      return Limits.FREE;
    }
    if (isPublic && (!meters.isMissing() || rules.at("always_admitted").isTrue())) {
      at.problem("a public operation has no meters, and no cost where it is always admitted");
    }
    long units = cost.isMissing() ? 1 : cost.integer().orElse(0);
    if (units < 1 || units > MAX_COST) {
      at.at("cost").problem("cost must be a whole number from 1 to " + MAX_COST);
    }
    Set<Meter> counted = EnumSet.noneOf(Meter.class);
    if (meters.isMissing() && !isPublic) {
      counted.add(Meter.REQUESTS);
    }
    for (Json label : meters.items()) {
      Meter meter = Meter.of(label.string(""));
      if (meter == null) {
        at.at("meters").problem("meters are requests, chat_messages, streamed_characters");
      } else {
        counted.add(meter);
      }
    }
    return new Limits((int) units, counted);
  }
}
