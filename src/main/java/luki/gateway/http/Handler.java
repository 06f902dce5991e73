package luki.gateway.http;

import java.io.IOException;

/** Turns a request into a reply. */
@FunctionalInterface
public interface Handler {
  Response handle(Exchange exchange) throws IOException, InterruptedException;

  /** A handler whose calls belong together: it is not interrupted when its client leaves. */
  interface Completes extends Handler {}

  /** A handler whose GET a page in a browser calls where it cannot set headers. */
  interface ForBrowsers extends Handler {}

  /** A handler whose POST answers with a stream that can be resumed, where streams are kept. */
  interface Resumable extends Handler {}

  /** A handler that passes requests on to the operation's downstream, which the contract names. */
  interface PassesOn extends Handler {}

  /** A handler whose call is a POST, whatever the method of its own request is. */
  interface Posts extends Handler {}

  /** A handler that changes what a user has consented to. */
  interface ChangesConsent extends Completes {}

  /** A handler of calls that do not come over HTTP: no request line leads to it. */
  interface Unrouted extends Handler {}

  /** A handler that asks for consent itself, and answers with less data if it is not given. */
  interface AsksConsent extends Handler {}
}
