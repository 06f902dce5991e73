package luki.gateway.limit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.Protocol;

/** A Lua script that Redis runs atomically. */
record Script(String text, String sha1) {
  static final Script ADMIT = of("clock", "caller", "admit");
  static final Script EXTEND = of("clock", "caller", "extend");
  static final Script SETTLE = of("clock", "caller", "settle");
  static final Script USAGE = of("clock", "caller", "usage");
  static final Script RATE = of("clock", "rate");
  static final Script LEASE = of("clock", "lease");

  /** What a connection loads before it is used. */
  static final List<Script> ALL = List.of(ADMIT, EXTEND, SETTLE, USAGE, RATE, LEASE);

  private static Script of(String... parts) {
    String text = Stream.of(parts).map(Script::read).collect(Collectors.joining());
    try {
      // Redis identifies a script by its SHA-1; no security depends on it.
      byte[] hash =
          MessageDigest.getInstance("SHA-1").digest(text.getBytes(StandardCharsets.UTF_8));
      return new Script(text, HexFormat.of().formatHex(hash));
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static String read(String name) {
    try (InputStream in = Script.class.getResourceAsStream(name + ".lua")) {
      if (in == null) {
        throw new IllegalStateException(name + ".lua is not in the jar");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
  }

  /**
   * One run of a script.
   *
   * @param key one of its keys: all are on the same node
   */
  record Call(String key, CommandArguments command, CompletableFuture<Object> reply) {
    static Call of(Script script, List<String> keys, List<String> arguments) {
      CommandArguments command =
          new CommandArguments(Protocol.Command.EVALSHA)
              .add(script.sha1())
              .add(keys.size())
              .addObjects(keys)
              .addObjects(arguments);
      return new Call(keys.getFirst(), command, new CompletableFuture<>());
    }

    /** The same call, to be submitted once more. */
    Call again() {
      return new Call(key, command, new CompletableFuture<>());
    }

    void fail(Throwable failure) {
      reply.completeExceptionally(failure);
    }
  }
}
