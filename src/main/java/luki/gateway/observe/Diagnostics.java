package luki.gateway.observe;

import com.google.errorprone.annotations.CompileTimeConstant;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.http.Route;
import luki.gateway.http.UpstreamVersion;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The diagnostics on stderr. A sentence is a constant of the code. Of a failure only its class and
 * place are logged: its message may contain what a caller sent.
 */
public final class Diagnostics {
  private final Logger logger;

  public Diagnostics(String name) {
    this.logger = LoggerFactory.getLogger(name);
  }

  /** To be called before the first logger exists. */
  public static void configure(String level) {
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", level);
    System.setProperty("org.slf4j.simpleLogger.showDateTime", "true");
    System.setProperty("org.slf4j.simpleLogger.dateTimeFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX");
    System.setProperty("org.slf4j.simpleLogger.showThreadName", "false");
    System.setProperty("org.slf4j.simpleLogger.showShortLogName", "true");
    LogManager.getLogManager().reset();
    LogManager.getLogManager().getLogger("").addHandler(new OtherLogs());
    // It logs stack traces of an outage that the gateway logs itself.
    System.setProperty("org.slf4j.simpleLogger.log.redis.clients", "off");
    // The validator logs values at some levels.
    System.setProperty("org.slf4j.simpleLogger.log.com.networknt", "off");
  }

  /** What is logged by {@code java.util.logging}, without stack traces and texts of libraries. */
  private static final class OtherLogs extends Handler {
    @Override
    public void publish(LogRecord message) {
      if (message.getLevel().intValue() < Level.WARNING.intValue()) {
        return;
      }
      String name = String.valueOf(message.getLoggerName());
      String text = name.startsWith("luki.") ? message.getMessage() : "warning of a library";
      Throwable cause = message.getThrown();
      List<Field> fields = cause == null ? List.of() : List.of(Field.of("cause", cause));
      LoggerFactory.getLogger(name).warn("{}", line(text, fields));
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }

  public void info(@CompileTimeConstant String sentence, Field... fields) {
    logger.info("{}", line(sentence, List.of(fields)));
  }

  public void warn(@CompileTimeConstant String sentence, Field... fields) {
    logger.warn("{}", line(sentence, List.of(fields)));
  }

  public void error(@CompileTimeConstant String sentence, Field... fields) {
    logger.error("{}", line(sentence, List.of(fields)));
  }

  /** Logs each problem of a configuration: it names a place in a file, and never a value. */
  public void error(@CompileTimeConstant String sentence, BadConfiguration bad) {
    bad.problems().forEach(problem -> error(sentence, new Field("problem", problem)));
  }

  /** A value of a type that cannot contain what a caller sent. */
  public static final class Field {
    /** As the operating system says it. */
    private static final List<String> REASONS =
        List.of(
            "No space left on device",
            "Disk quota exceeded",
            "Read-only file system",
            "Permission denied",
            "Too many open files",
            "Input/output error",
            "Broken pipe");

    private final String name;
    private final String value;

    private Field(String name, String value) {
      this.name = name;
      this.value = value;
    }

    public static Field of(@CompileTimeConstant String name, long value) {
      return new Field(name, Long.toString(value));
    }

    public static Field of(@CompileTimeConstant String name, Enum<?> value) {
      return new Field(name, value.name());
    }

    public static Field of(@CompileTimeConstant String name, UpstreamVersion version) {
      return new Field(name, version.name());
    }

    /** The class and the place of a failure, without its message. */
    public static Field of(@CompileTimeConstant String name, Throwable failure) {
      StringBuilder text = new StringBuilder(failure.getClass().getName());
      StackTraceElement[] trace = failure.getStackTrace();
      if (trace.length > 0) {
        text.append(" at ").append(trace[0]);
      }
      Arrays.stream(trace)
          .filter(frame -> frame.getClassName().startsWith("luki."))
          .findFirst()
          .ifPresent(frame -> text.append(" in ").append(frame));
      return new Field(name, text.toString());
    }

    /** An operation of the contract. */
    public static Field of(@CompileTimeConstant String name, Route.Served route) {
      return new Field(name, route.operation().id());
    }

    /** The class of a part of the gateway. */
    public static Field of(@CompileTimeConstant String name, AutoCloseable part) {
      return new Field(name, part.getClass().getSimpleName());
    }

    /** Why something outside the process fails, in words of a closed list, else as a class. */
    public static Field reason(Throwable failure) {
      String text = failure.getClass().getSimpleName();
      for (Throwable one = failure; one != null; one = one.getCause()) {
        String message = String.valueOf(one.getMessage());
        text = REASONS.stream().filter(message::contains).findFirst().orElse(text);
      }
      return new Field("reason", text);
    }

    /** A server that the configuration names, or a node of its cluster. */
    public static Field of(@CompileTimeConstant String name, InetSocketAddress server) {
      return new Field(name, server.getHostString() + ":" + server.getPort());
    }

    /** A file that the configuration names. */
    public static Field of(@CompileTimeConstant String name, Path configured) {
      return new Field(name, configured.toString());
    }
  }

  private static String line(String sentence, List<Field> fields) {
    StringBuilder line = new StringBuilder(sentence);
    fields.forEach(field -> line.append(' ').append(field.name).append('=').append(field.value));
    return line.toString();
  }
}
