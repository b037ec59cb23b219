package org.kithlm.node.rank;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;

/**
 * The Java heap of this process.
 *
 * @param maxBytes its largest size
 * @param oldBytes of it for objects that stay; the rest is for those that die young
 */
record JavaHeap(long maxBytes, long oldBytes) {
  /** The old generation of the serial collector, which the launcher chooses. */
  private static final String OLD_GENERATION = "Tenured Gen";

  static JavaHeap here() {
    long maxBytes = Runtime.getRuntime().maxMemory();
    for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
      if (pool.getName().equals(OLD_GENERATION)) {
        return new JavaHeap(maxBytes, pool.getUsage().getMax());
      }
    }
    return new JavaHeap(maxBytes, maxBytes / 3 * 2); // other collectors have no fixed border
  }
}
