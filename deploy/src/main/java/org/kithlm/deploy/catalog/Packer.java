package org.kithlm.deploy.catalog;

import java.io.IOException;
import java.nio.file.Path;

/** Makes packs and looks at them. */
interface Packer {
  /**
   * Turns a GGUF into a pack, which gets its name when it is whole.
   *
   * @throws org.kithlm.deploy.KithException if the GGUF is damaged or not supported
   */
  void pack(Path gguf, Path pack, Progress progress) throws IOException;

  /**
   * Checks that a file is a whole pack, without reading its weights.
   *
   * @throws org.kithlm.deploy.KithException if it is not
   */
  void check(Path pack) throws IOException;
}
