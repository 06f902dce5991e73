package luki.gateway.surface;

import java.util.function.Consumer;
import luki.gateway.testing.HttpReply;

/** A bad request and what must come back; {@code also} looks closer at the reply. */
record Case(String name, Ask ask, int status, String code, Consumer<HttpReply> also) {
  /** Stands in hostile values; a reply that holds it has quoted one. */
  static final String MARKER = "hostile7f3a";

  static Case of(String name, Ask ask, int status, String code) {
    return new Case(name, ask, status, code, answer -> {});
  }

  static Case invalid(String name, Ask ask) {
    return of(name, ask, 400, "INVALID_REQUEST");
  }

  /** Invalid, and one of the details names that place or one within it. */
  static Case invalidAt(String name, Ask ask, String pointer) {
    return new Case(name, ask, 400, "INVALID_REQUEST", answer -> Envelope.names(answer, pointer));
  }
}
