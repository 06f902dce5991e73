package luki.http1;

/**
 * How long a head may be.
 *
 * @param lineBytes the request or status line, without its CRLF
 * @param fieldBytes all field lines together, with their CRLFs
 * @param fieldLines how many field lines
 */
public record HeadLimits(int lineBytes, int fieldBytes, int fieldLines) {
  public static final HeadLimits USUAL = new HeadLimits(8 * 1024, 16 * 1024, 100);
}
