package org.kithlm.coordinator.membership;

import java.util.Locale;

/** What a user wants of who computes attention. */
public enum AttentionChoice {
  /** What makes a token take less, as soon as devices and links are measured. */
  AUTO,

  /** Each rank its heads. */
  SPLIT,

  /** Each rank all heads. */
  REPLICATED;

  /** As the command line has it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
