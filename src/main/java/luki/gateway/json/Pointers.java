package luki.gateway.json;

/** RFC 6901 pointers as they are shown to a caller: escaped and of bounded length. */
final class Pointers {
  private static final int MAX_NAME = 64;

  private Pointers() {}

  static String escape(String name) {
    String cut = name.length() <= MAX_NAME ? name : name.substring(0, cutAt(name)) + "…";
    return cut.replace("~", "~0").replace("/", "~1");
  }

  private static int cutAt(String name) {
    return Character.isHighSurrogate(name.charAt(MAX_NAME - 1)) ? MAX_NAME - 1 : MAX_NAME;
  }
}
