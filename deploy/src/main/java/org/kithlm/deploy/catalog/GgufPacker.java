package org.kithlm.deploy.catalog;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import org.kithlm.model.gguf.GgufException;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.pack.PackException;
import org.kithlm.model.pack.PackWriter;

/** The packs of the module model, their failures told as kith tells them. */
final class GgufPacker implements Packer {
  @Override
  public void pack(Path gguf, Path pack, Progress progress) throws IOException {
    progress.begin("packing", 0, Files.size(gguf));
    try {
      PackWriter.write(gguf, pack, (doneBytes, totalBytes) -> progress.advance(doneBytes));
    } catch (GgufException | PackException e) {
      // What is wrong with a file names it, what is wrong with a model does not.
      String message = String.valueOf(e.getMessage());
      throw new KithException(
          ExitCode.OTHER, message.contains(gguf.toString()) ? message : gguf + ": " + message, e);
    }
  }

  @Override
  @SuppressWarnings("try") // opening it is the check
  public void check(Path pack) throws IOException {
    try (Pack opened = Pack.open(pack)) {
      return;
    } catch (PackException e) {
      throw new KithException(ExitCode.OTHER, String.valueOf(e.getMessage()), e);
    }
  }
}
