package org.kithlm.deploy.cli;

import java.util.List;
import org.kithlm.model.transformer.KvType;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

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

  /** Takes the types as they are shown, where picocli would offer each twice. */
  static final class Choice implements ITypeConverter<KvType> {
    @Override
    public KvType convert(String text) {
      List<KvType> types = List.of(KvType.values());
      return types.stream()
          .filter(type -> type.toString().equals(text))
          .findFirst()
          .orElseThrow(() -> new TypeConversionException("'" + text + "' is not one of " + types));
    }
  }
}
