package luki.gateway.config;

import java.util.Locale;
import luki.gateway.config.ConfigurationCheck.Severity;

/** The kinds of findings; {@code src/docs/CHECKS.md} lists them. */
public enum Check {
  JDK_SERVER(
      Severity.CRITICAL,
      Severity.CRITICAL,
      "The JDK's server answers malformed requests itself and notices slow and lost clients late.",
      "Set HTTP_ENGINE=edge."),
  FILE_READABLE_BY_OTHERS(
      "Other users of the machine can read the secrets in the file.", "Run chmod 600 on the file."),
  UNKNOWN_VARIABLE(
      "The gateway does not read it, so the value has no effect.",
      "Correct the name, or remove the line."),
  PEPPER_UNSET(
      Severity.WARNING,
      Severity.CRITICAL,
      "Without it keys are hashed with a value that is public.",
      "Set it to random text of at least 32 bytes, as sh config/deploy/secrets.sh makes;"
          + " ENVIRONMENT=dev needs none."),
  SIGNING_KEY_UNSET(
      Severity.WARNING,
      Severity.CRITICAL,
      "Services must fetch a new key after each start, and instances sign with different keys.",
      "Set it to a file with an EC P-256 private key; ENVIRONMENT=dev needs none."),
  JWKS_OVER_HTTP(
      Severity.CRITICAL,
      Severity.CRITICAL,
      "An attacker on the network can replace the keys and so make valid tokens.",
      "Use an https address."),
  ISSUER_UNSET(
      "A token that another issuer signed with the same key is accepted.",
      "Set JWT_ISSUER to the iss claim of your provider."),
  AGENT_SECRET_UNSET(
      "The agent cannot distinguish the gateway from other callers.",
      "Set AGENT_INTERNAL_SECRET here and in the agent."),
  SERVICE_URL_UNSET(
      "The routes of the service answer 503.", "Set the variable to the address of the service."),
  SERVICE_URL_SHARED(
      "Two services rarely have one address, so one of them probably gets the other's requests.",
      "Correct one of the two addresses."),
  QUOTAS_NOT_SHARED(
      "Each process counts quotas for itself and forgets them when it ends.", "Set REDIS_URL."),
  LIMITS_NOT_SHARED(
      "Each instance enforces the whole of each limit, so callers get several times as much.",
      "Set REDIS_URL."),
  IDEMPOTENCY_KEY_UNSET(
      "An instance cannot decrypt replies that others, or itself before a restart, have stored, so"
          + " a repeat is processed again.",
      "Set IDEMPOTENCY_KEY_PATH to the same key for all instances."),
  JOBS_NOT_SHARED(
      "An instance knows only the webhooks and jobs that it has accepted itself; at the others they are 404.",
      "Route each caller to one instance, or leave WEBHOOKS_PATH unset."),
  ROLLOUT_FILE_READ_ONLY(
      "A version that is worse than the stable one loses its callers only until the process ends.",
      "Set ROLLOUT_FILE to a file in a directory that the gateway may write and its instances share."),
  REDIS_UNENCRYPTED(
      "The password of Redis crosses the network unencrypted.", "Use a rediss address."),
  USAGE_SINK_UNENCRYPTED(
      "The usage events cross the network unencrypted.", "Use an https address."),
  RATE_LIMIT_OFF(
      "One caller can take the capacity of all.", "Set RATE_LIMIT_PER_MIN to more than 0."),
  AUTH_FAILURE_LIMIT_OFF(
      "An attacker can guess credentials at any rate.",
      "Set AUTH_FAILURES_PER_MIN to more than 0."),
  BUFFERS_EXCEED_HEAP(
      "The process can run out of memory under load.",
      "Lower MAX_BUFFERED_BYTES or MAX_CONNECTIONS, or give the JVM a larger heap."),
  REPLY_EXCEEDS_SHARE(
      "Long replies that MAX_REPLY_BYTES allows are answered with 503.",
      "Lower MAX_REPLY_BYTES, or raise MAX_BUFFERED_BYTES."),
  METRICS_OPEN(
      "Everybody can read the metrics.", "Remove METRICS_ACCESS, so that its default applies."),
  NO_PROXY_TRUSTED(
      "All clients share the address of the proxy in front, and with it the limit of failed"
          + " authentications.",
      "Set TRUSTED_PROXIES to the addresses of your proxies."),
  EVERY_PROXY_TRUSTED(
      "A client can state any address as its own and so avoid the limits by address.",
      "List only the addresses of your proxies."),
  ROLE_FOR_EVERY_USER(
      "A caller with the role reads and changes the data of every user.",
      "Remove users:any from the role."),
  TOKEN_ROLE_FOR_EVERY_USER(
      "A user whose token has the role acts for every other user.",
      "Remove the role from roles_taken."),
  DEFAULT_ROLE_FOR_EVERY_USER(
      Severity.WARNING,
      Severity.CRITICAL,
      "Each user whose token has no role acts for every other user.",
      "Remove the role from default_roles."),
  UNUSED_SCOPE(
      "The scope permits nothing, so the name is probably misspelled.",
      "Correct the scope, or remove it."),
  SERVICE_KEYS_UNSET(
      "The services of gateway.yaml cannot authenticate.",
      "Set it to the JWK Set with their keys, or remove the services."),
  SERVICE_KEY_NOT_USED(
      "Tokens that are signed with the key are refused.",
      "Replace the key by one of a supported type, with a kid of its own."),
  NO_KEYS("No caller can authenticate with a key.", "Create one: luki key create."),
  UNKNOWN_PLAN(
      "The callers get the limits of the default plan.",
      "Add the plan to gateway.yaml, or create the keys again with another plan."),
  KEY_FILE_BROKEN(
      Severity.CRITICAL,
      Severity.CRITICAL,
      "The gateway cannot read its keys, so it refuses to start.",
      "Restore the file from a backup, or correct the place that the finding names.");

  private final Severity inDev;
  private final Severity inProd;
  private final String reason;
  private final String remedy;

  Check(String reason, String remedy) {
    this(Severity.WARNING, Severity.WARNING, reason, remedy);
  }

  Check(Severity inDev, Severity inProd, String reason, String remedy) {
    this.inDev = inDev;
    this.inProd = inProd;
    this.reason = reason;
    this.remedy = remedy;
  }

  /** Its stable name, for scripts. */
  public String id() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  Severity severity(boolean prod) {
    return prod ? inProd : inDev;
  }

  /** What is said of a variable that must be set. */
  public String ofUnset() {
    return ConfigurationCheck.UNSET + ". " + reason + " " + remedy;
  }

  public String reason() {
    return reason;
  }

  public String remedy() {
    return remedy;
  }
}
