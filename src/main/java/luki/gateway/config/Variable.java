package luki.gateway.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Every environment variable that the gateway reads: its default and its reason in one line. */
public enum Variable {
  PORT("8081", "main listener; TLS is the router's in front"),
  HOST("0.0.0.0", "address to listen on; 127.0.0.1 in dev"),
  ENVIRONMENT("prod", "dev or prod; in prod a critical finding of check prevents startup"),
  AGENT_URL("", "the agent; a route whose service has no URL answers 503", "LUKI_CORE_AGENT_URL"),
  MEMORY_URL("", "the memory service", "LUKI_MEMORY_SERVICE_URL"),
  COG_URL("", "the cognitive service", "LUKI_COGNITIVE_SERVICE_URL"),
  ENG_URL("", "the engagement service", "LUKI_ENGAGEMENT_SERVICE_URL"),
  REP_URL("", "the reporting service", "LUKI_REPORTING_SERVICE_URL"),
  SECURITY_URL(
      "", "the security service, which decides about consent", "LUKI_SECURITY_SERVICE_URL"),
  TOKEN_URL("", "the token service"),
  GATEWAY_CONFIG("config/gateway.yaml", "roles, plans, deadlines and resilience of each service"),
  OPENAPI_FILE("config/openapi.yaml", "the contract that is enforced"),
  CONFIG_POLL_S(
      "5",
      "seconds between checks of contract, configuration and public keys for changes; 0: only SIGHUP"),
  ROLLOUT_FILE(
      "config/rollout.json", "shares of the services' versions, as luki rollout has written them"),
  API_KEYS_FILE("config/api-keys.json", "hashed keys; a missing file means none yet"),
  API_KEY_PEPPER("", "text of 32 bytes or more that the key hashes depend on; required in prod"),
  JWT_PUBLIC_KEY_PATH("", "end users' tokens: the issuer's public key (PEM: RSA, EC or Ed25519)"),
  JWT_JWKS_URL("", "end users' tokens: the issuer's JWK Set, instead of one key"),
  JWT_ISSUER("", "required value of iss; must be set in prod when end users' tokens are accepted"),
  JWT_AUDIENCE("luki-gateway", "required value of aud"),
  JWT_CLOCK_SKEW_S("30", "seconds by which clocks may differ"),
  SERVICE_JWKS_PATH("", "public keys of the internal services that may call the gateway"),
  SERVICE_TOKEN_KEY_PATH(
      "",
      "EC P-256 private key that signs the gateway's own tokens (PEM with its public point, or JWK);"
          + " required in prod"),
  SERVICE_TOKEN_PREVIOUS_KEY_PATH("", "the signing key before it, published until this is removed"),
  CONSENT_CACHE_S("0", "seconds, 0 to 30, for which an answer about consent is cached"),
  REDIS_URL(
      "",
      "redis:// or rediss://, a comma list for a cluster; unset: limits in memory, one instance"),
  IDEMPOTENCY_KEY_PATH(
      "",
      "file with 32 bytes of text or more that encrypts stored replies, the same for all instances on"
          + " one Redis; unset: a key of the process"),
  RATE_LIMIT_PER_MIN(
      "60", "calls a minute of each user or key whose plan has no rate; 0 = unlimited"),
  RATE_LIMIT_BURST("", "calls at once; unset: as many as in a minute"),
  RATE_LIMIT_GLOBAL_PER_MIN("0", "calls a minute of all callers together; 0 = unlimited"),
  AUTH_FAILURES_PER_MIN(
      "60", "failed authentications a minute of one address (IPv6: its /64); 0 = unlimited"),
  RATE_LIMIT_ON_REDIS_LOSS(
      "local", "local: each instance enforces limit / REPLICAS; deny: 503; allow: no limit"),
  REPLICAS("1", "instances that share the limits"),
  USAGE_OUTBOX("", "file to which an event for each billable call is written; rotated"),
  USAGE_SINK_URL("", "address to which the events are sent, signed as in Standard Webhooks"),
  USAGE_SINK_SECRET("", "whsec_ and base64; a comma list, the newest first, during a rotation"),
  WEBHOOKS_PATH(
      "",
      "name of the directories with webhooks, jobs and results (NAME.states, NAME.results),"
          + " encrypted; unset: they are off"),
  WEBHOOKS_KEY_PATH("", "file with 32 bytes of text or more that encrypts it"),
  AUDIT_FILE("", "file for records of denials and key changes; the command line adds .cli"),
  AGENT_INTERNAL_SECRET("", "sent to the agent as X-Internal-Secret"),
  CORS_ALLOWED_ORIGINS("", "comma list of exact origins"),
  TRUSTED_PROXIES(
      "",
      "comma list of CIDRs whose X-Forwarded-For and -Proto (for Strict-Transport-Security) are trusted"),
  MAX_BODY_BYTES("1048576", "longest request body"),
  MAX_HEADER_BYTES("16384", "longest header block"),
  MAX_REPLY_BYTES("8388608", "longest reply of a service; it is buffered and checked"),
  MAX_BUFFERED_BYTES(
      "", "memory for all heads, bodies, replies and events together; unset: a third of the heap"),
  MAX_CONNECTIONS("", "open connections in total; unset: 20000, less with a small heap"),
  MAX_CONNECTIONS_PER_ADDRESS(
      "0", "open connections of one address, which may be a proxy; 0 = unlimited"),
  HEADER_TIMEOUT_S("10", "seconds within which a request's head must arrive"),
  IDLE_TIMEOUT_S("100", "seconds after which an idle connection is closed"),
  WRITE_TIMEOUT_S("30", "seconds that a write may wait for the client"),
  HTTP_ENGINE("edge", "the HTTP server: edge (the gateway's own), or jdk, which is not for prod"),
  HTTP_CLIENT("wire", "the HTTP client: wire (the gateway's own) or jdk"),
  METRICS_ACCESS(
      "scope", "scope: /metrics needs ops:read; open: no credential; unset: open in dev only"),
  CONSOLE_ENABLED("false", "true or false: the page /console; unset: true in dev only"),
  WEBSOCKET_ENABLED("true", "true or false: GET /v1/chat/ws, with HTTP_ENGINE=edge only"),
  GRAPHQL_ENABLED("false", "true or false: POST /graphql, with target/ext/luki-graphql.jar only"),
  GRPC_PORT("", "the port of the gRPC listener, with target/ext/luki-grpc.jar only; unset: none"),
  GRPC_TLS_CERT_PATH("", "its certificate with the chain (PEM); unset: without TLS"),
  GRPC_TLS_KEY_PATH("", "the private key of that certificate (PEM, PKCS #8)"),
  GRPC_URLS(
      "", "services that speak gRPC: memory=grpc://host:port, a comma list; grpcs:// is with TLS"),
  EXTENSIONS_DIR("", "where these jars are; unset: ext beside luki-gateway.jar"),
  LOG_LEVEL("INFO", "TRACE, DEBUG, INFO, WARN or ERROR: diagnostics on stderr"),
  OTEL_EXPORTER_OTLP_ENDPOINT("", "where traces go, by OTLP over HTTP; no tracing while unset"),
  OTEL_EXPORTER_OTLP_HEADERS("", "headers of the exporter, such as its key; all OTEL_* are read"),
  OTEL_SERVICE_NAME("luki-api-gateway", "name of this service in traces"),
  OTEL_RESOURCE_ATTRIBUTES("", "more about this instance, as name=value,name=value"),
  OTEL_TRACES_SAMPLER("parentbased_always_on", "which requests are traced"),
  OTEL_TRACES_SAMPLER_ARG("", "such as 0.01 for parentbased_traceidratio"),
  SHUTDOWN_GRACE_S("25", "longest drain in seconds"),
  DRAIN_DELAY_S(
      "0", "seconds of SHUTDOWN_GRACE_S in which /readyz is 503 and requests are accepted"),
  STREAM_RESUME(
      "off", "on or off: a stream goes on for 60 s without its client, which can ask for the rest");

  private final String defaultText;
  private final String reason;
  private final @Nullable String alias;

  Variable(String defaultText, String reason) {
    this(defaultText, reason, null);
  }

  Variable(String defaultText, String reason, @Nullable String alias) {
    this.defaultText = defaultText;
    this.reason = reason;
    this.alias = alias;
  }

  /** The value when it is unset; empty for none. */
  public String defaultText() {
    return defaultText;
  }

  public String reason() {
    return reason;
  }

  /** Its own name, which wins, and perhaps an older one of the same variable. */
  List<String> names() {
    return alias == null ? List.of(name()) : List.of(name(), alias);
  }
}
