package org.kithlm.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemoryLimitTest {
  private static final long AVAILABLE = 4L << 30;

  @TempDir Path root;

  @Test
  void shouldTakeWhatIsAvailableWithoutALimit() throws IOException {
    meminfo();
    write("proc/self/cgroup", "0::/user.slice/session.scope\n");
    write("sys/fs/cgroup/user.slice/session.scope/memory.max", "max\n");
    assertLimit(AVAILABLE);
  }

  @Test
  void shouldTakeTheTightestLimitOfAGroupAndItsParents() throws IOException {
    meminfo();
    write("proc/self/cgroup", "0::/lab/node/inner\n");
    write("sys/fs/cgroup/lab/memory.max", "" + (512 << 20));
    write("sys/fs/cgroup/lab/node/memory.max", "" + (256 << 20));
    write("sys/fs/cgroup/lab/node/inner/memory.max", "" + (1 << 30));
    write("sys/fs/cgroup/other/memory.max", "1");
    assertLimit(256 << 20);
  }

  @Test
  void shouldReadVersion1() throws IOException {
    meminfo();
    write("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:hugetlb,memory:/b\n");
    write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    write("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1\n");
    write("sys/fs/cgroup/memory/b/memory.limit_in_bytes", "1073741824\n");
    assertLimit(1 << 30);
  }

  @Test
  void shouldFindTheLimitOfAContainerThatDoesNotSeeItsOwnPath() throws IOException {
    meminfo();
    write("proc/self/cgroup", "4:memory:/containers/4711\n");
    write("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
    assertLimit(512 << 20);
  }

  @Test
  void shouldNotLeaveTheHierarchy() throws IOException {
    meminfo();
    write("proc/self/cgroup", "0::/../../outside\n");
    write("sys/outside/memory.max", "1");
    assertLimit(AVAILABLE);
  }

  @Test
  void shouldBeUnknownOnAnotherSystem() {
    assertEquals(OptionalLong.empty(), MemoryLimit.bytes(root));
  }

  @Test
  void shouldKnowThisSystem() {
    assumeTrue(Files.exists(Path.of("/proc/meminfo")), "only Linux has /proc/meminfo");
    assertTrue(MemoryLimit.bytes().orElseThrow() > 1 << 20);
  }

  private void meminfo() throws IOException {
    write(
        "proc/meminfo",
        "MemTotal:  8388608 kB\nMemFree:  1 kB\nMemAvailable:  " + (AVAILABLE >> 10) + " kB\n");
  }

  private void write(String file, String content) throws IOException {
    Path path = root.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, content);
  }

  private void assertLimit(long bytes) {
    assertEquals(OptionalLong.of(bytes), MemoryLimit.bytes(root));
  }
}
