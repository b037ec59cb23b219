package org.kithlm.node.rank;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;

/**
 * The Java heap of this process.
 *
 * @param maxBytes its largest size
 * @param lastingBytes of it for objects that stay
 */
record JavaHeap(long maxBytes, long lastingBytes) {
  /** The old generation of the serial collector, which the launcher chooses. */
  private static final String OLD_GENERATION = "Tenured Gen";

  static JavaHeap here() {
    long maxBytes = Runtime.getRuntime().maxMemory();
    for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
      if (pool.getName().equals(OLD_GENERATION)) {
        // a full one is collected again and again
        return new JavaHeap(maxBytes, pool.getUsage().getMax() / 10 * 9);
      }
    }
    return new JavaHeap(maxBytes, maxBytes / 5 * 3); // other collectors have no fixed border
  }
}
