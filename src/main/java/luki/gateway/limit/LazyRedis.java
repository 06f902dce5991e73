package luki.gateway.limit;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisClusterClient;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.SslVerifyMode;
import redis.clients.jedis.UnifiedJedis;

/**
 * The client for {@code REDIS_URL}: of one server, or of a cluster for several addresses. It is
 * made when it is first used, since making the client of a cluster asks for the nodes and may fail.
 */
final class LazyRedis implements AutoCloseable {
  private static final int DEFAULT_PORT = 6379;
  private static final int MAX_CONNECTIONS = 8;
  private static final int MAX_ATTEMPTS = 3;
  private static final Duration MAX_POOL_WAIT = Duration.ofMillis(10);

  private final List<URI> addresses;
  private final Duration deadline;
  private final ReentrantLock making = new ReentrantLock();
  private volatile @Nullable UnifiedJedis client;

  LazyRedis(List<URI> addresses, Duration deadline) {
    this.addresses = addresses;
    this.deadline = deadline;
  }

  boolean isCluster() {
    return addresses.size() > 1;
  }

  UnifiedJedis get() {
    UnifiedJedis made = client;
    if (made != null) {
      return made;
    }
    making.lock();
    try {
      made = client == null ? make() : client;
      client = made;
      return made;
    } finally {
      making.unlock();
    }
  }

  private UnifiedJedis make() {
    if (!isCluster()) {
      return RedisClient.builder()
          .hostAndPort(hostAndPort(addresses.getFirst()))
          .clientConfig(config())
          .poolConfig(pool())
          .build();
    }
    return RedisClusterClient.builder()
        .nodes(addresses.stream().map(LazyRedis::hostAndPort).collect(Collectors.toSet()))
        .clientConfig(config())
        .poolConfig(pool())
        .maxAttempts(MAX_ATTEMPTS)
        .maxTotalRetriesDuration(deadline)
        .build();
  }

  private static HostAndPort hostAndPort(URI address) {
    int port = address.getPort();
    return new HostAndPort(address.getHost(), port < 0 ? DEFAULT_PORT : port);
  }

  private JedisClientConfig config() {
    URI address = addresses.getFirst();
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
    pool.setMaxTotal(MAX_CONNECTIONS);
    pool.setMaxIdle(MAX_CONNECTIONS);
    pool.setMaxWait(MAX_POOL_WAIT);
    pool.setJmxEnabled(false);
    return pool;
  }

  @Override
  public void close() {
    UnifiedJedis made = client;
    if (made != null) {
      made.close();
    }
  }
}
