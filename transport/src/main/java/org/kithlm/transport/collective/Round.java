package org.kithlm.transport.collective;

/** The vector in hand and the numbers its frames bear. Owned by the session's thread. */
final class Round {
  private long step;
  private int layer;
  private int block;
  private float[] values = Session.NO_VALUES;
  private int length;

  /**
   * Another vector.
   *
   * @param newLayer layer, or the step's first position
   * @param newBlock block of the layer, or the step's number of tokens
   */
  void set(long newStep, int newLayer, int newBlock, float[] newValues, int newLength) {
    step = newStep;
    layer = newLayer;
    block = newBlock;
    values = newValues;
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

  float[] values() {
    return values;
  }

  int length() {
    return length;
  }

  /** Named in errors. */
  String describe() {
    return "step " + step + " layer " + layer + " block " + block;
  }
}
