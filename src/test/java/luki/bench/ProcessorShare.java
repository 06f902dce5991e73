package luki.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A part of one processor, for processes that would otherwise need more load than a generator
 * beside them can make. By a control group of Linux, version 1 or 2.
 */
final class ProcessorShare implements AutoCloseable {
  private static final Path VERSION_1 = Path.of("/sys/fs/cgroup/cpu");
  private static final Path VERSION_2 = Path.of("/sys/fs/cgroup");

  /** Short, so that a process never stands still for long. */
  private static final int PERIOD_MICROS = 10_000;

  private final Path parent;
  private final Path group;
  private final List<Long> members;

  private ProcessorShare(Path parent, List<Long> members) {
    this.parent = parent;
    this.group = parent.resolve("luki-bench");
    this.members = members;
  }

  /** Gives the processes that share together; empty where groups cannot be made. */
  static Optional<ProcessorShare> of(List<Long> processes, double share) {
    boolean old = Files.exists(VERSION_1.resolve("cpu.cfs_quota_us"));
    ProcessorShare limited = new ProcessorShare(old ? VERSION_1 : VERSION_2, processes);
    int quota = (int) (share * PERIOD_MICROS);
    try {
      Files.createDirectories(limited.group);
      if (old) {
        limited.write("cpu.cfs_period_us", PERIOD_MICROS + "");
        limited.write("cpu.cfs_quota_us", quota + "");
      } else {
        limited.write("cpu.max", quota + " " + PERIOD_MICROS);
      }
      for (long process : processes) {
        limited.write("cgroup.procs", process + "");
      }
      return Optional.of(limited);
    } catch (IOException notAllowed) {
      limited.close();
      return Optional.empty();
    }
  }

  private void write(String file, String value) throws IOException {
    Files.writeString(group.resolve(file), value);
  }

  /** The processes are as free as before. */
  @Override
  public void close() {
    try {
      for (long process : members) {
        Files.writeString(parent.resolve("cgroup.procs"), process + "");
      }
      Files.deleteIfExists(group);
    } catch (IOException left) {
      // A group without processes holds nobody back.
    }
  }
}
