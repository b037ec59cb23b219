package org.kithlm.memory;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Hints to Linux that the JDK does not offer: how memory is backed, and which pages of a file may
 * go. A hint that cannot be given, as on other systems, is no error. Constants as in the kernel's
 * {@code mman-common.h}, {@code fadvise.h} and {@code fcntl.h}. Thread-safe.
 */
final class LinuxAdvice {
  private static final int MADV_HUGEPAGE = 14;
  private static final int MADV_COLLAPSE = 25; // since Linux 6.1
  private static final int POSIX_FADV_DONTNEED = 4;
  private static final int O_RDONLY_CLOEXEC = 0x80000;
  private static final int NONE = -1;
  private static final int HUGE_PAGE_BYTES = 2 << 20;

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final AddressLayout ADDRESS = ValueLayout.ADDRESS;

  private static final @Nullable MethodHandle MADVISE = find("madvise", ADDRESS, LONG, INT);
  private static final @Nullable MethodHandle FADVISE = find("posix_fadvise", INT, LONG, LONG, INT);
  private static final @Nullable MethodHandle OPEN = find("open", ADDRESS, INT);
  private static final @Nullable MethodHandle CLOSE = find("close", INT);

  private LinuxAdvice() {}

  /** Zeroed memory, in huge pages where the system has some to give: disks fill them faster. */
  static MemorySegment hugePages(Arena arena, long lengthBytes) {
    MemorySegment memory = arena.allocate(lengthBytes, HUGE_PAGE_BYTES);
    call(MADVISE, memory, memory.byteSize(), MADV_HUGEPAGE);
    call(MADVISE, memory, memory.byteSize(), MADV_COLLAPSE); // it has been written to already
    return memory;
  }

  /** A descriptor for {@link #dropCached}, negative if there is none. */
  static int openFile(Path file) {
    try (Arena arena = Arena.ofConfined()) {
      return call(OPEN, arena.allocateFrom(file.toString()), O_RDONLY_CLOEXEC);
    }
  }

  /** Tells that bytes of a file will not be read again soon: the page cache may drop them. */
  static void dropCached(int descriptor, long offsetBytes, long lengthBytes) {
    call(FADVISE, descriptor, offsetBytes, lengthBytes, POSIX_FADV_DONTNEED);
  }

  /** Ends the use of a descriptor. */
  static void closeFile(int descriptor) {
    call(CLOSE, descriptor);
  }

  @SuppressWarnings("restricted") // libc functions with the signatures that POSIX gives them
  private static @Nullable MethodHandle find(String name, MemoryLayout... parameters) {
    if (!System.getProperty("os.name").equals("Linux")) {
      return null;
    }
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find(name)
        .map(symbol -> linker.downcallHandle(symbol, FunctionDescriptor.of(INT, parameters)))
        .orElse(null);
  }

  private static int call(@Nullable MethodHandle function, Object... arguments) {
    if (function == null) {
      return NONE;
    }
    try {
      return (int) function.invokeWithArguments(arguments);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e); // a native function throws nothing
    }
  }
}
