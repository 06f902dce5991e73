package luki.gateway.limit;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import redis.clients.jedis.Connection;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.SslVerifyMode;
import redis.clients.jedis.exceptions.JedisDataException;

/**
 * A connection to one server, for one thread. After an exception it must be closed: the next reply
 * on it could be that of another call.
 */
final class RedisConnection implements AutoCloseable {
  private static final int DEFAULT_PORT = 6379;
  private static final int MIN_CONNECT_MILLIS = 100;

  /**
   * Errors of the server, not of a call. A new connection may reach another server, and loads the
   * scripts again.
   */
  private static final Pattern SERVER_ERRORS =
      Pattern.compile(
          "READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|NOSCRIPT|NOAUTH|NOPERM|OOM|MISCONF|NOREPLICAS"
              + "|BUSY");

  private final Connection connection;
  private final long deadlineNanos;

  private RedisConnection(Connection connection, Duration deadline) {
    this.connection = connection;
    this.deadlineNanos = deadline.toNanos();
  }

  /**
   * Connects, authenticates and loads the scripts. No call waits for it, so it may take longer than
   * a call.
   */
  static RedisConnection open(HostAndPort server, JedisClientConfig config, Duration deadline) {
    Connection connection = new Connection(server, config);
    try {
      for (Script script : Script.ALL) {
        connection.sendCommand(Protocol.Command.SCRIPT, "LOAD", script.text());
      }
      for (Object reply : connection.getMany(Script.ALL.size())) {
        if (reply instanceof JedisDataException refused) {
          throw refused;
        }
      }
      return new RedisConnection(connection, deadline);
    } catch (RuntimeException failed) {
      connection.close();
      throw failed;
    }
  }

  static HostAndPort hostAndPort(URI address) {
    int port = address.getPort();
    return new HostAndPort(address.getHost(), port < 0 ? DEFAULT_PORT : port);
  }

  /** How to connect to this address, or to each node of the cluster that it belongs to. */
  static JedisClientConfig config(URI address, Duration deadline) {
    int millis = Math.max(MIN_CONNECT_MILLIS, Math.toIntExact(deadline.toMillis()));
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

  /**
   * Runs the calls in one pipeline and completes each that gets a reply. The deadline is the
   * server's: a reply that is there already is in time, however late this process reads it.
   *
   * @throws RuntimeException the connection cannot be used again
   */
  void run(List<Script.Call> calls) {
    for (Script.Call call : calls) {
      connection.sendCommand(call.command());
    }
    long end = System.nanoTime() + deadlineNanos;
    JedisDataException serverError = null;
    for (Script.Call call : calls) {
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      connection.setSoTimeout((int) Math.max(1, left));
      try {
        call.reply().complete(connection.getOne());
      } catch (JedisDataException error) {
        // Servers before 7.0 put the code of an error in a script into a sentence.
        if (SERVER_ERRORS.matcher(String.valueOf(error.getMessage())).find()) {
          serverError = error;
        } else {
          call.fail(error);
        }
      }
    }
    if (serverError != null) {
      throw serverError;
    }
  }

  @Override
  public void close() {
    connection.close();
  }
}
