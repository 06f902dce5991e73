package luki.edge;

import java.net.URI;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The contexts of a server; that with the longest fitting prefix is found. */
final class Contexts {
  private volatile List<EdgeContext> longestFirst = List.of();

  synchronized void add(EdgeContext context) {
    if (longestFirst.stream().anyMatch(other -> other.getPath().equals(context.getPath()))) {
      throw new IllegalArgumentException("there is a context at " + context.getPath());
    }
    List<EdgeContext> next = new ArrayList<>(longestFirst);
    next.add(context);
    next.sort(Comparator.comparingInt((EdgeContext c) -> c.getPath().length()).reversed());
    longestFirst = List.copyOf(next);
  }

  synchronized void remove(String path) {
    List<EdgeContext> next = new ArrayList<>(longestFirst);
    if (!next.removeIf(context -> context.getPath().equals(path))) {
      throw new IllegalArgumentException("no context at " + path);
    }
    longestFirst = List.copyOf(next);
  }

  /** For a target in origin-form; a prefix is compared with the decoded path. */
  @Nullable EdgeContext of(String target) {
    int question = target.indexOf('?');
    String path = question < 0 ? target : target.substring(0, question);
    // RFC 3986 §3.3: without a base, what begins with two slashes would be read as an authority.
    return find(path.indexOf('%') < 0 ? path : URI.create("http://host" + path).getPath());
  }

  private @Nullable EdgeContext find(String path) {
    for (EdgeContext context : longestFirst) {
      // RFC 9112 §3.2.4: the asterisk is the server as a whole.
      if (path.startsWith(context.getPath())
          || (path.equals("*") && context.getPath().equals("/"))) {
        return context;
      }
    }
    return null;
  }
}
