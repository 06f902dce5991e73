package luki.gateway.tokens;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** Sends a head with any lines on a connection of its own; the status is what counts. */
record OneLine(int port) {
  private static final int PATIENCE_MILLIS = 15_000;

  /** 431 where the server closes in the middle of a head that is too long. */
  int status(String request, String... lines) {
    StringBuilder head = new StringBuilder(request).append(" HTTP/1.1\r\nHost: gateway.test\r\n");
    for (String line : lines) {
      head.append(line).append("\r\n");
    }
    byte[] bytes =
        head.append("Connection: close\r\n\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
    try (Socket socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port)) {
      socket.setSoTimeout(PATIENCE_MILLIS);
      boolean whole = send(socket, bytes);
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
      String status = in.readLine();
      if (status == null) {
        if (whole) {
          throw new AssertionError("closed without an answer");
        }
        return 431;
      }
      return Integer.parseInt(status.substring(9, 12));
    } catch (IOException failed) {
      if (bytes.length > 64 * 1024) {
        return 431;
      }
      throw new AssertionError("no answer", failed);
    }
  }

  private static boolean send(Socket socket, byte[] bytes) {
    try {
      socket.getOutputStream().write(bytes);
      return bytes.length <= 64 * 1024;
    } catch (IOException refusedEarly) {
      return false;
    }
  }
}
