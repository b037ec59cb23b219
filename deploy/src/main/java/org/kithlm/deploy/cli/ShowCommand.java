package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.concurrent.Callable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.catalog.ByteSize;
import org.kithlm.deploy.catalog.ModelStore;
import org.kithlm.deploy.catalog.StoredModel;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.pack.PackException;
import org.kithlm.model.shard.ShardUnits;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith show MODEL}. */
@Command(
    name = "show",
    description = "Show a model's hyperparameters, sizes, and how finely it can be cut.")
public final class ShowCommand implements Callable<Integer> {
  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private Kith kith;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Parameters(paramLabel = "MODEL", description = "Its name, as kith list shows it.")
  private String model;

  /**
   * The answer for programs.
   *
   * @param packId identifies the pack, see {@link Pack#id}
   * @param attentionUnits parts that attention can be cut into
   * @param ffnUnits parts that the FFN can be cut into
   */
  private record Answer(
      StoredModel model,
      String packId,
      ModelConfig config,
      int attentionUnits,
      int ffnUnits,
      String path) {}

  @Override
  public Integer call() throws IOException {
    ModelStore store = new ModelStore(kith.home());
    StoredModel stored = store.require(model);
    try (Pack pack = Pack.open(store.pack(model))) {
      ShardUnits units = pack.units();
      Answer answer =
          new Answer(
              stored,
              pack.id(),
              pack.config(),
              units.attentionUnitCount(),
              units.ffnUnitCount(),
              pack.path().toString());
      PrintWriter out = spec.commandLine().getOut();
      if (common.json()) {
        out.println(Json.MAPPER.writeValueAsString(answer));
      } else {
        print(out, answer);
      }
    } catch (PackException e) {
      throw new KithException(ExitCode.OTHER, e.getMessage() + "; make it again with kith pull", e);
    }
    return ExitCode.OK.code();
  }

  private static void print(PrintWriter out, Answer answer) {
    StoredModel stored = answer.model();
    ModelConfig config = answer.config();
    line(out, "name", stored.name());
    line(out, "source", stored.source());
    line(out, "pulled", Instant.ofEpochSecond(stored.createdEpochSeconds()).toString());
    line(out, "GGUF", ByteSize.format(stored.ggufBytes()) + ", SHA-256 " + stored.ggufSha256());
    line(out, "pack", ByteSize.format(stored.packBytes()) + ", " + answer.path());
    line(out, "pack id", answer.packId());
    line(out, "architecture", config.architecture().toString());
    line(out, "layers", Integer.toString(config.layerCount()));
    line(out, "hidden size", Integer.toString(config.hiddenSize()));
    line(out, "FFN size", config.ffnSize() + ", " + answer.ffnUnits() + " units");
    line(
        out,
        "heads",
        config.headCount()
            + " of "
            + config.headDim()
            + ", "
            + config.kvHeadCount()
            + " KV heads, "
            + answer.attentionUnits()
            + " units");
    line(out, "vocabulary", config.vocabularySize() + " tokens");
    line(out, "context", config.contextLength() + " tokens");
  }

  private static void line(PrintWriter out, String label, String value) {
    out.printf("%-14s%s%n", label, value);
  }
}
