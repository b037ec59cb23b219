package org.kithlm.model.shard;

import java.util.Locale;

/** Who holds the output head. */
public enum HeadPlacement {
  /** The root: no other rank learns which tokens are likely. */
  ROOT,

  /** Each rank some of its rows; the root collects the logits. */
  SPLIT;

  /** As the command line has it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
