package org.kithlm.node.rank;

import java.io.IOException;
import org.kithlm.node.kv.KvStore;
import org.kithlm.node.kv.KvStorePlace;
import org.kithlm.node.kv.NameKey;

/**
 * What rank 0 keeps keys and values with.
 *
 * @param store on its own disk
 * @param names of pages, which only it can make
 */
public record RootKvStore(KvStore store, PageNames names) implements AutoCloseable {
  /** Reads the secret, or makes it, and starts to open the store. */
  public static RootKvStore open(KvStorePlace place) throws IOException {
    PageNames names = new PageNames(NameKey.open(place.secret()));
    return new RootKvStore(new KvStore(place), names);
  }

  @Override
  public void close() {
    store.close();
  }
}
