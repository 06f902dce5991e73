package luki.gateway.contract;

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
    Json.Builder paths = Json.object();
    root.at("paths")
        .members()
        .forEach(
            (path, item) -> {
              Json left = left(item);
              if (left.size() > 0) {
                paths.put(path, left);
              }
            });
    return withoutDependent(root.toBuilder().put("paths", paths.build()).build());
  }

  private Json withoutDependent(Json value) {
    if (!value.isObject()) {
      return value;
    }
    Json.Builder left = Json.object();
    value
        .members()
        .forEach(
            (name, member) -> {
              if (!name.equals(WITH) && !handlers.test(member.at(WITH).string(""))) {
                left.put(name, withoutDependent(member));
              }
            });
    return left.build();
  }

  private Json left(Json item) {
    Json.Builder left = item.toBuilder();
    item.members()
        .forEach(
            (name, operation) -> {
              if (handlers.test(operation.pointer(HANDLER).string(""))) {
                left.remove(name);
              }
            });
    return left.build();
  }
}
