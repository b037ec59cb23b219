package org.kithlm.node.control;

/**
 * What a process may use in memory.
 *
 * @param processBytes for all of it, {@link Long#MAX_VALUE} for no limit
 * @param heapBytes its largest Java heap, which is a part of that
 */
public record ProcessMemory(long processBytes, long heapBytes) {
  /** Of this process, with a limit for all of it. */
  public static ProcessMemory here(long processBytes) {
    return new ProcessMemory(processBytes, Runtime.getRuntime().maxMemory());
  }
}
