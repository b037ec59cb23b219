package org.kithlm.model.sampling;

/**
 * Which tokens may come next. A sampler asks for the token that it would choose anyway, which is
 * mostly one that may come, so that the others need not be looked at.
 */
public interface TokenFilter {
  /** Whether a token may come next. */
  boolean allows(int token);

  /**
   * Sets the logits of tokens that may not come to -Infinity, at least that of a refused one, and
   * leaves one that may.
   *
   * @param refused a token that {@link #allows} has refused
   */
  void ban(float[] logits, int refused);
}
