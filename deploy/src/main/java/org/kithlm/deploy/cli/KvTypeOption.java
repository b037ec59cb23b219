package org.kithlm.deploy.cli;

import org.kithlm.model.transformer.KvType;
import picocli.CommandLine.Option;

/** How keys and values are kept. */
final class KvTypeOption {
  @Option(
      names = "--kv-type",
      paramLabel = "TYPE",
      converter = Choice.class,
      defaultValue = "f16",
      description =
          "Keys and values of the context: f16, or q8, which takes 0.56 times the memory"
              + " (default: f16).")
  private KvType type = KvType.F16;

  KvType type() {
    return type;
  }

  /** Its words. */
  static final class Choice extends WordConverter<KvType> {
    Choice() {
      super(KvType.values());
    }
  }
}
