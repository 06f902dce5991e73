package luki.gateway.http;

/** Where the request names the user that the caller must be allowed to act for. */
public sealed interface Owner {
  /** The route acts for no user. Said, never assumed. */
  record Nobody() implements Owner {}

  /** A member at the top of the JSON body. */
  record InBody(String name) implements Owner {}

  record InQuery(String name) implements Owner {}

  record InPath(String name) implements Owner {}

  /** The path parameter is an item's id; the user is all before its last underscore. */
  record ItemPrefix(String name) implements Owner {}
}
