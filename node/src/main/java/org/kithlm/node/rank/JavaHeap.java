package org.kithlm.node.rank;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;

/**
 * The Java heap of this process.
 *
 * @param maxBytes its largest size, which {@code -Xmx} sets
 * @param lastingBytes of it for objects that stay
 */
record JavaHeap(long maxBytes, long lastingBytes) {
  /** The old generation of the serial collector, which the launcher chooses. */
  private static final String OLD_GENERATION = "Tenured Gen";

  private static final String SURVIVORS = "Survivor Space";

  static JavaHeap here() {
    long maxBytes = Runtime.getRuntime().maxMemory();
    long lastingBytes = maxBytes / 5 * 3; // other collectors have no fixed border
    for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
      switch (pool.getName()) {
        case OLD_GENERATION ->
            lastingBytes =
                pool.getUsage().getMax() / 10 * 9; // a full one is collected all the time
        case SURVIVORS -> maxBytes += pool.getUsage().getMax(); // one of the two is not counted
        default -> {}
      }
    }
    return new JavaHeap(maxBytes, lastingBytes);
  }
}
