package org.kithlm.deploy.catalog;

import java.io.IOException;
import org.kithlm.deploy.KithException;

/** A place to get a GGUF from. */
interface ModelSource {
  /**
   * Fetches the whole file, going on where an earlier fetch from the same source ended.
   *
   * @throws KithException if the source cannot be reached, lacks the file or holds another one
   * @throws IOException if this device's disk fails
   */
  void fetch(PartialFile target, Expected expected) throws IOException, InterruptedException;
}
