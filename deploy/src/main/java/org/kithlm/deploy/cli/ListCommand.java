package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.catalog.ByteSize;
import org.kithlm.deploy.catalog.Catalog;
import org.kithlm.deploy.catalog.ModelStore;
import org.kithlm.deploy.catalog.PartialModel;
import org.kithlm.deploy.catalog.StoredModel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith list}. */
@Command(name = "list", description = "Show the models on this device and those of the catalog.")
public final class ListCommand implements Callable<Integer> {
  private static final String FORMAT = "%-24s %-9s %10s %10s  %s%n";

  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private Kith kith;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  /**
   * A line.
   *
   * @param state ready, partial or available
   * @param totalBytes length of the pack or, before there is one, of the GGUF; -1 if not known
   * @param doneBytes how much of it is here
   * @param detail the source, or a description
   */
  private record Line(String name, String state, long totalBytes, long doneBytes, String detail) {}

  /** The answer for programs. */
  private record Answer(List<Line> models) {}

  @Override
  public Integer call() throws IOException {
    ModelStore store = new ModelStore(kith.home());
    List<Line> lines = new ArrayList<>();
    for (StoredModel model : store.models()) {
      lines.add(
          new Line(model.name(), "ready", model.packBytes(), model.packBytes(), model.source()));
    }
    for (PartialModel partial : store.partials()) {
      lines.add(
          new Line(
              partial.name(),
              "partial",
              partial.totalBytes(),
              partial.doneBytes(),
              partial.source()));
    }
    for (Catalog.Entry entry : Catalog.load().models()) {
      if (lines.stream().noneMatch(line -> line.name().equals(entry.name()))) {
        lines.add(new Line(entry.name(), "available", entry.ggufBytes(), 0, entry.description()));
      }
    }
    PrintWriter out = spec.commandLine().getOut();
    if (common.json()) {
      out.println(Json.MAPPER.writeValueAsString(new Answer(lines)));
    } else {
      out.printf(FORMAT, "NAME", "STATE", "SIZE", "HERE", "SOURCE");
      for (Line line : lines) {
        out.printf(
            FORMAT,
            line.name(),
            line.state(),
            line.totalBytes() < 0 ? "?" : ByteSize.format(line.totalBytes()),
            ByteSize.format(line.doneBytes()),
            shorten(line.detail()));
      }
    }
    return ExitCode.OK.code();
  }

  /** A list of packages is too long for a line. */
  private static String shorten(String source) {
    int comma = source.startsWith("pip:") ? source.indexOf(',') : -1;
    return comma < 0 ? source : source.substring(0, comma) + ",..";
  }
}
