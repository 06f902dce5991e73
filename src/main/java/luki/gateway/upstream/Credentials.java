package luki.gateway.upstream;

import luki.gateway.http.Downstream;
import luki.gateway.http.Exchange;

/** Makes the token with which the gateway shows a service who it is and for whom it calls. */
@FunctionalInterface
public interface Credentials {
  String tokenFor(Downstream audience, Exchange exchange);
}
