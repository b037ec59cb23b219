package org.kithlm.node.kv;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where a node keeps keys and values, and how many.
 *
 * @param folder exists, and only its owner can read it
 * @param bytes of the disk at most
 */
public record KvStorePlace(Path folder, long bytes) {
  /**
   * What a store takes of a process's memory, besides pages of its file, which the system can take
   * back; docs/memory.md tells how it was measured.
   */
  public static final long MEMORY_BYTES = 96 << 20;

  /** The file of the root's secret. */
  public Path secret() {
    return folder.resolve("secret");
  }

  /**
   * What a store leaves of a process's memory.
   *
   * @param processBytes {@link Long#MAX_VALUE} for no limit
   */
  public static long memoryBeside(@Nullable KvStorePlace place, long processBytes) {
    return place == null || processBytes == Long.MAX_VALUE
        ? processBytes
        : processBytes - MEMORY_BYTES;
  }

  /** Adds to what is said of too little memory that a store takes a part of it. */
  public static String alsoTakes(@Nullable String tooLittle) {
    return "%s; with --kv-store %d MiB more".formatted(tooLittle, MEMORY_BYTES >> 20);
  }
}
