package luki.gateway.upstream;

import java.net.http.HttpClient;
import java.time.Duration;

/** Where HTTP clients come from. */
@FunctionalInterface
public interface HttpClients {
  /** The client with that connect timeout; it is shared, so its users do not close it. */
  HttpClient connectingWithin(Duration timeout);
}
