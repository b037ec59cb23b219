package org.kithlm.deploy.cli;

import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.KithHome;
import org.kithlm.node.kv.KvStorePlace;
import picocli.CommandLine.Option;

/** Whether keys and values are kept on disk. */
final class KvStoreOption {
  @Option(
      names = "--kv-store",
      paramLabel = "SIZE",
      converter = MemoryOption.Size.class,
      description = {
        "Keep keys and values of chats on the disk of this node, up to this size, e.g. 4G,",
        "so that a chat goes on without its prompt being run again (default: keep none)."
      })
  private @Nullable Long bytes;

  /** Bytes for each process, 0 for none. */
  long bytes() {
    return bytes == null ? 0 : bytes;
  }

  /**
   * Where a process keeps them; null for nowhere.
   *
   * @param name of its folder
   */
  @Nullable KvStorePlace place(KithHome home, String name) {
    return bytes == null ? null : new KvStorePlace(home.subfolder("kv/" + name), bytes);
  }
}
