package luki.gateway.upstream;

import luki.gateway.http.Upstream;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.FailureLog;
import luki.gateway.upstream.Upstreams.ServiceState;

/** What health checks and calls have shown of a service. */
final class ServiceHealth {
  private final Upstream who;
  private final FailureLog refusals =
      new FailureLog(
          "upstream",
          "a service refuses the gateway's credential",
          "a service accepts the gateway's credential again");
  private volatile ServiceState probed = ServiceState.UNKNOWN;

  ServiceHealth(Upstream who) {
    this.who = who;
  }

  /**
   * Refused while calls are refused that a health check does not show, else what the last health
   * check found.
   */
  ServiceState state() {
    return refusals.isFailing() && probed != ServiceState.DOWN ? ServiceState.REFUSED : probed;
  }

  void probed(ServiceState found) {
    probed = found;
  }

  /**
   * The operator must correct a credential that is refused. The security service's 403 is its usual
   * answer where consent is missing.
   */
  void answered(int status) {
    if (status != 401 && status != 403) {
      refusals.succeeded();
    } else if (status == 401 || who != Upstream.SECURITY) {
      refusals.failed(Diagnostics.Field.of("service", who), Diagnostics.Field.of("status", status));
    }
  }
}
