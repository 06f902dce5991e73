package luki.http1;

/** Field lines whose bytes were made once, for those that stand in every message. */
public final class RenderedFields {
  public static final RenderedFields NONE = new RenderedFields(Fields.NONE);

  private final Fields fields;
  private final byte[] bytes;

  /**
   * Renders them.
   *
   * @throws IllegalArgumentException one of them {@link #isFraming}
   */
  public RenderedFields(Fields fields) {
    for (int i = 0; i < fields.size(); i++) {
      if (isFraming(fields.name(i))) {
        throw new IllegalArgumentException(fields.name(i) + " is the engine's");
      }
    }
    this.fields = fields;
    this.bytes = new byte[fields.renderedLength()];
    fields.render(bytes, 0);
  }

  /** Whether the field belongs to one message on one connection, so that only an engine sets it. */
  public static boolean isFraming(String name) {
    return switch (name.length()) {
      case 4 -> name.equalsIgnoreCase("Date");
      case 10 -> name.equalsIgnoreCase("Connection") || name.equalsIgnoreCase("Keep-Alive");
      case 14 -> name.equalsIgnoreCase("Content-Length");
      case 17 -> name.equalsIgnoreCase("Transfer-Encoding");
      default -> false;
    };
  }

  public Fields fields() {
    return fields;
  }

  public int length() {
    return bytes.length;
  }

  /** Copies the lines; returns where it goes on. */
  public int render(byte[] into, int at) {
    System.arraycopy(bytes, 0, into, at, bytes.length);
    return at + bytes.length;
  }
}
