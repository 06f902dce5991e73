package luki.gateway.webhook;

import java.util.HashMap;
import java.util.Map;
import luki.gateway.http.ErrorCode;
import org.jspecify.annotations.Nullable;

/** The pushes in flight: so many in all, and so many of each caller. */
final class Slots {
  static final int MAX = 32;
  static final int MAX_OF_OWNER = 4;

  private final Map<String, String> owners = new HashMap<>();

  /** Takes one for a message, or says why there is none within a total of so many. */
  synchronized @Nullable ErrorCode take(String id, String owner, int max) {
    if (owners.values().stream().filter(owner::equals).count() >= MAX_OF_OWNER) {
      return ErrorCode.RATE_LIMITED;
    }
    boolean isTaken = owners.size() < max && owners.putIfAbsent(id, owner) == null;
    return isTaken ? null : ErrorCode.OVERLOADED;
  }

  synchronized boolean contains(String id) {
    return owners.containsKey(id);
  }

  synchronized void release(String id) {
    owners.remove(id);
  }
}
