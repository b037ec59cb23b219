package org.kithlm.transport.collective;

import org.kithlm.transport.SumEncoding;
import org.kithlm.transport.frame.Elements;
import org.kithlm.transport.frame.FloatElements;
import org.kithlm.transport.frame.PartialElements;
import org.kithlm.transport.frame.SumElements;

/** The vector in hand and the numbers its frames bear. Owned by the session's thread. */
final class Round {
  private static final double[] NO_PARTIAL = {};

  private final PartialElements partialElements;
  private final SumElements sumElements;
  private final FloatElements hiddenElements = new FloatElements();
  private long step;
  private int layer;
  private int block;
  private double[] partial = NO_PARTIAL;
  private float[] sum = {};
  private int length;

  Round(SumEncoding encoding, int frameBytes, int frameSums) {
    partialElements = new PartialElements(encoding, frameBytes);
    sumElements = new SumElements(encoding, frameBytes, frameSums);
  }

  /** A sum: from {@code newPartial} to {@code newSum}. */
  void sum(
      long newStep,
      int newLayer,
      int newBlock,
      double[] newPartial,
      float[] newSum,
      int newLength) {
    set(newStep, newLayer, newBlock, newPartial, newSum, newLength);
  }

  /** A step's hidden state, which goes as a sum does. */
  void hidden(long newStep, int startPosition, int tokenCount, float[] hidden, int newLength) {
    set(newStep, startPosition, tokenCount, NO_PARTIAL, hidden, newLength);
  }

  private void set(
      long newStep,
      int newLayer,
      int newBlock,
      double[] newPartial,
      float[] newSum,
      int newLength) {
    step = newStep;
    layer = newLayer;
    block = newBlock;
    partial = newPartial;
    partialElements.wrap(newPartial);
    sum = newSum;
    sumElements.wrap(newSum);
    hiddenElements.wrap(newSum);
    length = newLength;
  }

  long step() {
    return step;
  }

  int layer() {
    return layer;
  }

  int block() {
    return block;
  }

  /** The own partial sum. */
  double[] partial() {
    return partial;
  }

  Elements partialElements() {
    return partialElements;
  }

  /** The sum over ranks, as far as it is formed, or the hidden state. */
  float[] sum() {
    return sum;
  }

  Elements sumElements() {
    return sumElements;
  }

  Elements hiddenElements() {
    return hiddenElements;
  }

  int length() {
    return length;
  }

  /** Named in errors. */
  String describe() {
    return "step " + step + " layer " + layer + " block " + block;
  }
}
