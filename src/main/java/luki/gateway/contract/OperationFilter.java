package luki.gateway.contract;

import java.util.Map;
import java.util.function.Predicate;
import luki.gateway.json.Json;

/**
 * Leaves operations out of a document, and paths that have none left; and what else in it is only
 * there beside the operations of a handler.
 */
record OperationFilter(Predicate<String> handlers) {
  private static final String HANDLER = "/" + ContractDocument.EXTENSION + "/handler";

  // In what depends on operations elsewhere: a name that is asked for like those of handlers.
  private static final String WITH = "x-gateway-with";

  /** The document without the operations of these handlers. */
  Json without(Json root) {
    Json whole = left(root);
    Json.Builder paths = Json.object();
    for (Map.Entry<String, Json> path : whole.at("paths").members().entrySet()) {
      if (path.getValue().size() > 0) {
        paths.put(path.getKey(), path.getValue());
      }
    }
    return whole.toBuilder().put("paths", paths.build()).build();
  }

  private Json left(Json value) {
    if (!value.isObject()) {
      return value;
    }
    Json.Builder left = Json.object();
    for (Map.Entry<String, Json> each : value.members().entrySet()) {
      Json member = each.getValue();
      boolean isOff =
          handlers.test(member.pointer(HANDLER).string(""))
              || handlers.test(member.at(WITH).string(""));
      if (!isOff && !each.getKey().equals(WITH)) {
        left.put(each.getKey(), left(member));
      }
    }
    return left.build();
  }
}
