package luki.gateway.contract;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import luki.gateway.contract.ContractDocument.Place;
import luki.gateway.http.Handler;
import luki.gateway.http.Route;
import luki.gateway.http.Route.Version;
import luki.gateway.json.Json;
import luki.http1.Fields;

/** Compiles the versions that are to end, and the translations of their operations. */
final class VersionCompiler {
  static final String SUCCESSOR = "successor";
  static final String WHEN_BLANK = "when_blank";

  /** What an operation with a successor may say itself. */
  static final Set<String> OWN = Set.of(SUCCESSOR, "owner", "request", "reply", WHEN_BLANK);

  // RFC 9110 §5.6.7
  private static final DateTimeFormatter IMF_FIXDATE =
      DateTimeFormatter.ofPattern("EEE, dd MMM uuuu HH:mm:ss 'GMT'", Locale.US)
          .withZone(ZoneOffset.UTC);

  private final Map<Json, Version> versions = new HashMap<>();
  private final ContractDocument document;

  VersionCompiler(ContractDocument document, Place top) {
    this.document = document;
    Json declared = document.root().at(ContractDocument.VERSIONS);
    Place at = top.at(ContractDocument.VERSIONS);
    declared.members().forEach((name, version) -> compile(name, version, at.at(name)));
  }

  private void compile(String name, Json declared, Place at) {
    if (!name.matches("[a-z0-9]+") || !declared.at("prefix").string("").matches("/[a-z0-9]+")) {
      at.problem("a version must have a short name and a prefix such as /api");
    }
    try {
      Instant deprecated = Instant.parse(declared.at("deprecated").string(""));
      Instant sunset = Instant.parse(declared.at("sunset").string(""));
      // RFC 9745 §4
      if (sunset.isBefore(deprecated)) {
        at.problem("sunset must not be before deprecated");
      }
      Fields headers =
          Fields.of(
              "Deprecation",
              "@" + deprecated.getEpochSecond(),
              "Sunset",
              IMF_FIXDATE.format(sunset));
      String page = declared.at("page").string("/docs");
      String pages = "<" + page + ">; rel=\"deprecation sunset\"; type=\"text/html\"";
      versions.put(declared, new Version(name, sunset, headers, pages, "", declared.at("errors")));
    } catch (DateTimeException malformed) {
      at.problem("deprecated and sunset must be times such as 2027-12-31T00:00:00Z");
    }
  }

  /**
   * The operation with its version; one that has a successor is translated to that.
   *
   * @param others the operations by their ids, as far as they are compiled
   */
  Route.Served inVersion(
      Route.Served route, Json rules, Map<String, Route.Served> others, Place at) {
    Version version = versions.get(document.versionOf(route.template()));
    Route.Served successor = others.get(rules.at(SUCCESSOR).string(""));
    if (version == null || successor == null) {
      if (!rules.at(SUCCESSOR).isMissing()) {
        at.problem("successor must be an operation, and the path one of x-gateway-versions");
      }
      return route.in(version, route.operation().rules());
    }
    Json blank = rules.at(WHEN_BLANK);
    Route.Served other = others.get(blank.at(SUCCESSOR).string(""));
    if (!blank.isMissing() && (other == null || !isAsStrict(other, successor))) {
      at.at(WHEN_BLANK).problem("successor must be an operation with the same access and consent");
    }
    if (!OWN.containsAll(rules.members().keySet())) {
      at.problem("an operation with a successor has only " + OWN);
    }
    Translation translation =
        new Translation(
            (RequestRules) route.operation().rules(),
            successor,
            rules,
            other == null ? null : new Translation.WhenBlank(blank.at("text").string(""), other));
    return route
        .in(
            version.with("<" + successor.template() + ">; rel=\"successor-version\", "),
            translation)
        .with(marked(successor.handler(), translation));
  }

  private static boolean isAsStrict(Route.Served other, Route.Served successor) {
    var consent = other.policy().consent();
    var asked = successor.policy().consent();
    return other.policy().access().equals(successor.policy().access())
        && Objects.equals(
            consent == null ? null : consent.scopes(), asked == null ? null : asked.scopes());
  }

  /** With the marks that the filters look for. */
  private static Handler marked(Handler successor, Handler translation) {
    return switch (successor) {
      case Handler.ChangesConsent _ -> (Handler.ChangesConsent) translation::handle;
      case Handler.Completes _ -> (Handler.Completes) translation::handle;
      default -> translation;
    };
  }
}
