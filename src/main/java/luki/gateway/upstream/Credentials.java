package luki.gateway.upstream;

import luki.gateway.http.Exchange;
import luki.gateway.http.Upstream;

/** Makes the token with which the gateway shows a service who it is and for whom it calls. */
@FunctionalInterface
public interface Credentials {
  String tokenFor(Upstream audience, Exchange exchange);
}
