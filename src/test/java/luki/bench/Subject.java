package luki.bench;

import org.jspecify.annotations.Nullable;

/**
 * Something that requests go through.
 *
 * @param child null for the way without anything between
 */
record Subject(String name, int port, @Nullable Child child) {
  static final String DIRECT = "direct";
  static final String ENGINES = "our engines alone, no duties";
  static final String BARE = "nginx, bare proxy_pass";
  static final String DUTIES = "nginx, same duties";

  static String ours(String engine, String client) {
    return "ours, " + engine + " and " + client;
  }

  boolean isOurs() {
    return name.startsWith("our");
  }
}
