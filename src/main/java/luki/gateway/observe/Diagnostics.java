package luki.gateway.observe;

import com.google.errorprone.annotations.CompileTimeConstant;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an operator reads on stderr. A sentence is fixed when the code is written, and of a failure
 * only its class is told: its message may hold what a caller sent.
 */
public final class Diagnostics {
  private final Logger logger;

  public Diagnostics(String name) {
    this.logger = LoggerFactory.getLogger(name);
  }

  /** To be called before the first logger is made. */
  public static void configure(String level) {
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", level);
    System.setProperty("org.slf4j.simpleLogger.showDateTime", "true");
    System.setProperty("org.slf4j.simpleLogger.dateTimeFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX");
    System.setProperty("org.slf4j.simpleLogger.showThreadName", "false");
    System.setProperty("org.slf4j.simpleLogger.showShortLogName", "true");
    // The validator speaks of values at some levels, and of keywords that are none of its business.
    System.setProperty("org.slf4j.simpleLogger.log.com.networknt", "off");
  }

  public void info(@CompileTimeConstant String sentence, Field... fields) {
    logger.info("{}", new Line(sentence, List.of(fields)));
  }

  public void warn(@CompileTimeConstant String sentence, Field... fields) {
    logger.warn("{}", new Line(sentence, List.of(fields)));
  }

  public void error(@CompileTimeConstant String sentence, Field... fields) {
    logger.error("{}", new Line(sentence, List.of(fields)));
  }

  /** A value of a kind that cannot hold what a caller sent. */
  public static final class Field {
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

    /** The class and the place of a failure, without its message. */
    public static Field of(@CompileTimeConstant String name, Throwable failure) {
      StringBuilder text = new StringBuilder(failure.getClass().getName());
      StackTraceElement[] trace = failure.getStackTrace();
      if (trace.length > 0) {
        text.append(" at ").append(trace[0]);
      }
      for (StackTraceElement frame : trace) {
        if (frame.getClassName().startsWith("luki.")) {
          return new Field(name, text.append(" in ").append(frame).toString());
        }
      }
      return new Field(name, text.toString());
    }

    /** Text of the operator's own, from the configuration. */
    public static Field ofConfiguration(@CompileTimeConstant String name, Object value) {
      return new Field(name, value.toString());
    }
  }

  private record Line(String sentence, List<Field> fields) {
    @Override
    public String toString() {
      StringBuilder line = new StringBuilder(sentence);
      for (Field field : fields) {
        line.append(' ').append(field.name).append('=').append(field.value);
      }
      return line.toString();
    }
  }
}
