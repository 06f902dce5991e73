package luki.gateway.limit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A script that Redis runs as one step. */
record Script(String text, String sha1) {
  static final Script ADMIT = ofCaller("admit");
  static final Script DRAW = ofCaller("draw");
  static final Script SETTLE = ofCaller("settle");
  static final Script USAGE = ofCaller("usage");
  static final Script RATE = of(read("clock") + read("rate"));
  static final Script LEASE = of(read("clock") + read("lease"));

  private static Script ofCaller(String name) {
    return of(read("clock") + read("caller") + read(name));
  }

  private static Script of(String text) {
    try {
      // Redis names a script by its SHA-1; nothing secret depends on it.
      byte[] hash =
          MessageDigest.getInstance("SHA-1").digest(text.getBytes(StandardCharsets.UTF_8));
      return new Script(text, HexFormat.of().formatHex(hash));
    } catch (NoSuchAlgorithmException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  private static String read(String name) {
    try (InputStream in = Script.class.getResourceAsStream(name + ".lua")) {
      if (in == null) {
        throw new IllegalStateException(name + ".lua is not in the jar");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException cannotBe) {
      throw new UncheckedIOException(cannotBe);
    }
  }
}
