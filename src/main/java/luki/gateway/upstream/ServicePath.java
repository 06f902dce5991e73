package luki.gateway.upstream;

import luki.gateway.http.PercentCoding;

/** A path and query for a service in which every part that is not ours is encoded. */
public final class ServicePath {
  private final String text;

  private ServicePath(String text) {
    this.text = text;
  }

  /** A path that the code itself knows. */
  public static ServicePath of(String literal) {
    return new ServicePath(literal);
  }

  /** A step that was made from a value. */
  public ServicePath segment(String value) {
    return new ServicePath(text + "/" + PercentCoding.encode(value));
  }

  /** A step that the code itself knows. */
  public ServicePath then(String literal) {
    return new ServicePath(text + literal);
  }

  public ServicePath query(String name, String value) {
    String separator = text.indexOf('?') < 0 ? "?" : "&";
    return new ServicePath(
        text + separator + PercentCoding.encode(name) + "=" + PercentCoding.encode(value));
  }

  @Override
  public String toString() {
    return text;
  }
}
