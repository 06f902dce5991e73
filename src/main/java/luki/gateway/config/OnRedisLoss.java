package luki.gateway.config;

/** What holds for callers while Redis is away. */
public enum OnRedisLoss {
  /** Each instance enforces its part of the limits. */
  LOCAL,
  /** Nobody passes: 503. */
  DENY,
  /** Everybody passes. */
  ALLOW
}
