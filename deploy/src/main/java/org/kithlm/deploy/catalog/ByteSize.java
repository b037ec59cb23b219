package org.kithlm.deploy.catalog;

import java.util.Locale;

/** Bytes for people, in powers of 1000 as disks and networks count. */
public final class ByteSize {
  private ByteSize() {}

  /** For example 999 B, 1.0 kB, 98.4 MB. */
  public static String format(long bytes) {
    if (bytes < 1000) {
      return bytes + " B";
    }
    double value = bytes;
    int unit = -1;
    while (value >= 999.95 && unit < 3) {
      value /= 1000;
      unit++;
    }
    return String.format(Locale.ROOT, "%.1f %sB", value, "kMGT".charAt(unit));
  }
}
