package luki.gateway.contract;

import java.util.function.Predicate;
import luki.gateway.json.Json;

/** Leaves operations out of a document, and paths that have none left. */
record OperationFilter(Predicate<String> handlers) {
  private static final String HANDLER = "/" + ContractDocument.EXTENSION + "/handler";

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
    return root.toBuilder().put("paths", paths.build()).build();
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
