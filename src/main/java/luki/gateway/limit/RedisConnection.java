package luki.gateway.limit;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import luki.http1.Authority;
import redis.clients.jedis.Connection;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.DefaultJedisSocketFactory;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.SslVerifyMode;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.util.RedisInputStream;
import redis.clients.jedis.util.RedisOutputStream;

/**
 * A connection to one server, for one thread. Jedis connects and authenticates; calls are written
 * and read here, without an object for each word. After an exception it must be closed: the next
 * reply on it could be that of another call.
 */
final class RedisConnection implements AutoCloseable {
  private static final int DEFAULT_PORT = 6379;
  private static final int MIN_CONNECT_MILLIS = 100;
  private static final int MAX_BULK_BYTES = 1024 * 1024;
  private static final String UNEXPECTED = "a reply that no script makes";

  /**
   * Errors of the server, not of a call. A new connection may reach another server, and loads the
   * scripts again. Servers before 7.0 put the code of an error in a script into a sentence.
   */
  private static final Pattern OF_SERVER =
      Pattern.compile(
          "READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|NOSCRIPT|NOAUTH|NOPERM|OOM|MISCONF|NOREPLICAS"
              + "|BUSY");

  private static final Pattern OF_SLOT = Pattern.compile("^(MOVED|ASK|TRYAGAIN) .*");

  private final Connection connection;
  private final Socket socket;
  private final long deadlineNanos;
  private final RedisOutputStream out;
  private final RedisInputStream in;

  private RedisConnection(Connection connection, Socket socket, Duration deadline)
      throws IOException {
    this.connection = connection;
    this.socket = socket;
    this.deadlineNanos = deadline.toNanos();
    this.out = new RedisOutputStream(socket.getOutputStream());
    this.in = new RedisInputStream(socket.getInputStream());
  }

  /**
   * Connects, authenticates and loads the scripts. No call waits for it, so it may take longer than
   * a call.
   */
  static RedisConnection open(HostAndPort server, JedisClientConfig config, Duration deadline)
      throws IOException {
    Socket socket = new DefaultJedisSocketFactory(server, config).createSocket();
    Connection connection = new Connection(() -> socket, config);
    try {
      for (Script script : Script.ALL) {
        connection.sendCommand(Protocol.Command.SCRIPT, "LOAD", script.text);
      }
      for (Object reply : connection.getMany(Script.ALL.size())) {
        if (reply instanceof JedisDataException refused) {
          throw refused;
        }
      }
      return new RedisConnection(connection, socket, deadline);
    } catch (IOException | RuntimeException failed) {
      connection.close();
      throw failed;
    }
  }

  static HostAndPort hostAndPort(URI address) {
    Authority authority = Objects.requireNonNull(Authority.of(address));
    int port = authority.port() < 0 ? DEFAULT_PORT : authority.port();
    return new HostAndPort(authority.host(), port);
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
    String authority = address.getAuthority();
    int at = authority.lastIndexOf('@');
    if (at >= 0) {
      String user = authority.substring(0, at);
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
   * @throws IOException the connection cannot be used again; so for a {@link JedisException}
   */
  void run(List<Script.Call> calls) throws IOException {
    for (Script.Call call : calls) {
      call.writeTo(out);
    }
    out.flush();
    long end = System.nanoTime() + deadlineNanos;
    JedisDataException serverError = null;
    for (Script.Call call : calls) {
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      socket.setSoTimeout((int) Math.max(1, left));
      try {
        call.reply.complete(readReply(call));
      } catch (JedisDataException error) {
        if (OF_SERVER.matcher(String.valueOf(error.getMessage())).find()) {
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

  /** Another node of the cluster serves the key now. */
  static boolean isOfSlot(Throwable error) {
    return error instanceof JedisDataException
        && OF_SLOT.matcher(String.valueOf(error.getMessage())).matches();
  }

  private long[] readReply(Script.Call call) throws IOException {
    byte type = in.readByte();
    if (type == '-') {
      throw new JedisDataException(in.readLine());
    }
    boolean isList = type == '*';
    long[] numbers = new long[isList ? in.readIntCrLf() : 1];
    for (int i = 0; i < numbers.length; i++) {
      byte kind = isList ? in.readByte() : type;
      if (kind != ':' && kind != '$') {
        throw new IOException(UNEXPECTED);
      }
      numbers[i] = in.readLongCrLf();
      if (kind == '$') {
        call.bulk(readBulk(numbers[i]));
      }
    }
    return numbers;
  }

  private byte[] readBulk(long length) throws IOException {
    if (length < 0 || length > MAX_BULK_BYTES) {
      throw new IOException(UNEXPECTED);
    }
    byte[] bytes = new byte[(int) length];
    for (int read = 0; read < length; ) {
      read += in.read(bytes, read, bytes.length - read);
    }
    // CRLF
    in.readByte();
    in.readByte();
    return bytes;
  }

  @Override
  public void close() {
    connection.close();
  }
}
