package luki.http1;

/** An exchange whose request can be had as it was parsed, without the JDK's header map and URI. */
public interface RawHead {
  RequestHead head();
}
