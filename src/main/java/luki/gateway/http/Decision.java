package luki.gateway.http;

/** What a pure function decided; a filter acts on it. */
public sealed interface Decision {
  Decision PERMIT = new Permit();

  static Decision deny(ApiError because) {
    return new Deny(because);
  }

  record Permit() implements Decision {}

  record Deny(ApiError because) implements Decision {}
}
