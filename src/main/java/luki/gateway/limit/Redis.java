package luki.gateway.limit;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisClusterClient;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.SslVerifyMode;
import redis.clients.jedis.UnifiedJedis;

/** Makes the client of {@code REDIS_URL}: one server, or with several addresses a cluster. */
final class Redis {
  private static final int PORT = 6379;
  private static final int CONNECTIONS = 8;
  private static final int TRIES = 3;
  private static final Duration WAIT = Duration.ofMillis(10);

  private Redis() {}

  static UnifiedJedis client(List<URI> addresses, Duration deadline) {
    JedisClientConfig config = config(addresses.getFirst(), deadline);
    if (addresses.size() == 1) {
      return RedisClient.builder()
          .hostAndPort(hostAndPort(addresses.getFirst()))
          .clientConfig(config)
          .poolConfig(pool())
          .build();
    }
    Set<HostAndPort> nodes = addresses.stream().map(Redis::hostAndPort).collect(Collectors.toSet());
    return RedisClusterClient.builder()
        .nodes(nodes)
        .clientConfig(config)
        .poolConfig(pool())
        .maxAttempts(TRIES)
        .maxTotalRetriesDuration(deadline)
        .build();
  }

  private static HostAndPort hostAndPort(URI address) {
    return new HostAndPort(address.getHost(), address.getPort() < 0 ? PORT : address.getPort());
  }

  private static JedisClientConfig config(URI address, Duration deadline) {
    int millis = Math.toIntExact(deadline.toMillis());
    DefaultJedisClientConfig.Builder config =
        DefaultJedisClientConfig.builder()
            .connectionTimeoutMillis(millis)
            .socketTimeoutMillis(millis);
    if ("rediss".equals(address.getScheme())) {
      config.sslOptions(SslOptions.builder().sslVerifyMode(SslVerifyMode.FULL).build());
    }
    String user = address.getUserInfo();
    if (user != null) {
      int colon = user.indexOf(':');
      if (colon > 0) {
        config.user(user.substring(0, colon));
      }
      config.password(user.substring(colon + 1));
    }
    String database = address.getPath();
    if (database != null && database.length() > 1) {
      config.database(Integer.parseInt(database.substring(1)));
    }
    return config.build();
  }

  private static ConnectionPoolConfig pool() {
    ConnectionPoolConfig pool = new ConnectionPoolConfig();
    pool.setMaxTotal(CONNECTIONS);
    pool.setMaxIdle(CONNECTIONS);
    pool.setMaxWait(WAIT);
    pool.setJmxEnabled(false);
    return pool;
  }
}
