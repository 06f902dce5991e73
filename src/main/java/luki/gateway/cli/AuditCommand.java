package luki.gateway.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import luki.gateway.audit.AuditChain;

/** {@code audit verify FILE}: 0 when every record holds, 1 when one does not. */
record AuditCommand(PrintStream out, PrintStream err) {
  int run(List<String> words) throws BadUsage, IOException {
    Arguments arguments = new Arguments(words);
    String action = arguments.word("verify");
    if (!action.equals("verify")) {
      throw new BadUsage("unknown: audit " + action);
    }
    Path file = file(arguments.word("the audit file"));
    arguments.end();
    return switch (AuditChain.verify(file)) {
      case AuditChain.ChainCheck.Whole whole -> {
        out.println(whole.records() + " records hold; the last hash is " + whole.lastHash());
        yield 0;
      }
      case AuditChain.ChainCheck.Broken broken -> {
        err.println(
            "luki-gateway: "
                + file
                + ":"
                + broken.line()
                + ": this record does not hold: it, or one before it, was changed, moved or taken out");
        yield 1;
      }
    };
  }

  private static Path file(String name) throws BadUsage, IOException {
    try {
      Path file = Path.of(name);
      if (!Files.isReadable(file) || Files.isDirectory(file)) {
        throw new IOException(name + " is no file that can be read");
      }
      return file;
    } catch (InvalidPathException malformed) {
      throw new BadUsage("not a file name: " + name);
    }
  }
}
