package org.kithlm.deploy.cli;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.kithlm.memory.MemoryLimit;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** How much memory a node may use. */
final class MemoryOption {
  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      converter = Size.class,
      description = {
        "Memory of one node, all that its process needs included, e.g. 512M or 1.5G (powers of"
            + " 1024);",
        "weights that do not fit are streamed from disk in each step",
        "(default: the limit of the control group or what is available)."
      })
  private @Nullable Long bytes;

  /**
   * Bytes for each of several processes that start now; {@link Long#MAX_VALUE} if nothing was given
   * and the system does not tell.
   */
  long bytes(int processes) {
    if (bytes != null) {
      return bytes;
    }
    var limit = MemoryLimit.bytes();
    return limit.isPresent() ? limit.getAsLong() / processes : Long.MAX_VALUE;
  }

  /** Reads sizes as the JVM and Docker do: 512M, 1.5G, with or without a B or iB after it. */
  static final class Size implements ITypeConverter<Long> {
    private static final Pattern FORM =
        Pattern.compile("(\\d{1,12}(?:\\.\\d{1,3})?)([KMGT])(?:i?B)?");

    @Override
    public Long convert(String text) {
      Matcher matcher = FORM.matcher(text);
      long bytes = 0;
      if (matcher.matches()) {
        int shift = 10 * ("KMGT".indexOf(matcher.group(2)) + 1);
        bytes = (long) (Double.parseDouble(matcher.group(1)) * (1L << shift));
      }
      if (bytes == 0) {
        throw new TypeConversionException(
            String.format(Locale.ROOT, "'%s' is not a size such as 512M or 1.5G", text));
      }
      return bytes;
    }
  }
}
