package luki.gateway.surface;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import luki.gateway.testing.HttpReply;

/** Bad requests of one kind for one operation. */
abstract class Cases {
  /** Part of hostile values: a reply that contains it has quoted one. */
  static final String MARKER = "hostile7f3a";

  final ContractOperation operation;
  final Callers callers;
  final Ask anonymous;
  final Ask good;
  private final List<Case> made = new ArrayList<>();

  /** A bad request and its expected reply; {@code also} are further checks of the reply. */
  record Case(String name, Ask ask, int status, String code, Consumer<HttpReply> also) {}

  Cases(ContractOperation operation, Callers callers) {
    this.operation = operation;
    this.callers = callers;
    this.anonymous = operation.good();
    this.good = operation.isPublic() ? anonymous : callers.good(operation);
  }

  abstract void make();

  final List<Case> all() {
    make();
    return made;
  }

  final void add(String name, Ask ask, int status, String code) {
    add(name, ask, status, code, answer -> {});
  }

  final void add(String name, Ask ask, int status, String code, Consumer<HttpReply> also) {
    made.add(new Case(name, ask, status, code, also));
  }

  final void invalid(String name, Ask ask) {
    add(name, ask, 400, "INVALID_REQUEST");
  }

  /** Invalid, and the pointer of one detail is that place or below it. */
  final void invalidAt(String name, Ask ask, String pointer) {
    add(name, ask, 400, "INVALID_REQUEST", answer -> Envelope.names(answer, pointer));
  }
}
