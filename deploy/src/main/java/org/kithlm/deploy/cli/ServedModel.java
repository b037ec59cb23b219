package org.kithlm.deploy.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.catalog.Catalog;
import org.kithlm.deploy.catalog.ModelStore;
import org.kithlm.deploy.catalog.PullTarget;
import org.kithlm.deploy.catalog.Puller;
import org.kithlm.deploy.catalog.StoredModel;
import picocli.CommandLine.Model.CommandSpec;

/**
 * The model that a command runs.
 *
 * @param stored its description
 * @param pack its pack file
 */
record ServedModel(StoredModel stored, Path pack) {
  /** Finds a model, or pulls it first. */
  static ServedModel of(String model, Kith kith, CommandSpec spec, boolean json)
      throws IOException, InterruptedException {
    ModelStore store = new ModelStore(kith.home());
    Optional<StoredModel> here = store.find(model);
    StoredModel stored;
    if (here.isPresent()) {
      stored = here.get();
    } else {
      ConsoleProgress progress = ConsoleProgress.create(spec.commandLine().getErr(), json);
      stored =
          Puller.create(store, kith.environment(), progress)
              .pull(PullTarget.of(model, null, Catalog.load()), false)
              .model();
    }
    return new ServedModel(stored, store.pack(stored.name()));
  }
}
