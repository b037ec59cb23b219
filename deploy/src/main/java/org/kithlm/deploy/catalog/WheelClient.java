package org.kithlm.deploy.catalog;

import java.io.IOException;
import java.nio.file.Path;
import org.kithlm.deploy.KithException;

/** Gets Python packages. */
@FunctionalInterface
interface WheelClient {
  /**
   * Downloads one wheel.
   *
   * @param requirement package, or package==version
   * @param folder an empty folder for it
   * @return the wheel in the folder
   * @throws KithException if it cannot be had
   */
  Path download(String requirement, Path folder) throws IOException, InterruptedException;
}
