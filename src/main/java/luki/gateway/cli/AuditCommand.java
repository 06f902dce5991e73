package luki.gateway.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import luki.gateway.audit.AuditChain;
import luki.gateway.cli.Arguments.BadUsage;

/** {@code audit verify FILE}: 0 when every record is valid, 1 when one is not. */
record AuditCommand(PrintStream out, PrintStream err) {
  int run(Arguments arguments) throws BadUsage, IOException {
    Path file = file(arguments.word("the audit file"));
    arguments.end();
    return switch (AuditChain.verify(file)) {
      case AuditChain.ChainCheck.Whole whole -> {
        out.println(whole.records() + " records are valid; the last hash is " + whole.lastHash());
        yield 0;
      }
      case AuditChain.ChainCheck.Broken broken -> {
        err.println(
            "luki-gateway: "
                + broken.file()
                + ":"
                + broken.line()
                + ": this record is invalid: it, or one before it, was changed, moved or removed");
        yield 1;
      }
    };
  }

  private static Path file(String name) throws BadUsage, IOException {
    try {
      Path file = Path.of(name);
      if (!Files.isReadable(file) || Files.isDirectory(file)) {
        throw new IOException(name + " is not a readable file");
      }
      return file;
    } catch (InvalidPathException malformed) {
      throw new BadUsage("not a file name: " + name);
    }
  }
}
