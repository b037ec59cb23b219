package org.kithlm.model.kernel;

import static org.kithlm.model.kernel.Lanes.FLOATS;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * e^x in float lanes, within 2 units in the last place. {@code VectorOperators.EXP} will not do:
 * its result may change when a method is compiled, and a run must repeat bit for bit. Here a vector
 * lane and the single-element form give the same bits.
 *
 * <p>x = k ln 2 + r with |r| at most (ln 2) / 2; e^r is its Taylor polynomial of degree 7, whose
 * remainder r^8/8! is below 6e-9; 2^k is added to the exponent bits.
 */
final class Exponential {
  /** Arguments are clamped here, where e^x is a normal float: 1.6e-38 and 1.7e38. */
  private static final float MIN = -87;

  private static final float MAX = 88;
  private static final float LOG2_E = (float) (1 / 0.6931471805599453);
  private static final float LN2_HIGH = 355f / 512; // few bits: k times it is exact
  private static final float LN2_LOW = -2.1219444e-4f;

  /** Adding it rounds to an integer, which is then found in the low bits of the sum. */
  private static final float ROUNDER = 0x1.8p23f;

  private static final int FRACTION_BITS = 23;
  private static final float C2 = 1f / 2;
  private static final float C3 = 1f / 6;
  private static final float C4 = 1f / 24;
  private static final float C5 = 1f / 120;
  private static final float C6 = 1f / 720;
  private static final float C7 = 1f / 5040;

  private Exponential() {}

  /** e^x in each lane; NaN stays NaN. */
  static FloatVector exp(FloatVector x) {
    FloatVector v = x.max(MIN).min(MAX);
    FloatVector rounder = FloatVector.broadcast(FLOATS, ROUNDER);
    FloatVector shifted = v.fma(FloatVector.broadcast(FLOATS, LOG2_E), rounder);
    FloatVector minusK = rounder.sub(shifted);
    FloatVector r = minusK.fma(FloatVector.broadcast(FLOATS, LN2_HIGH), v);
    r = minusK.fma(FloatVector.broadcast(FLOATS, LN2_LOW), r);
    FloatVector p = FloatVector.broadcast(FLOATS, C7);
    p = p.fma(r, FloatVector.broadcast(FLOATS, C6));
    p = p.fma(r, FloatVector.broadcast(FLOATS, C5));
    p = p.fma(r, FloatVector.broadcast(FLOATS, C4));
    p = p.fma(r, FloatVector.broadcast(FLOATS, C3));
    p = p.fma(r, FloatVector.broadcast(FLOATS, C2));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1));
    p = p.fma(r, FloatVector.broadcast(FLOATS, 1));
    return p.reinterpretAsInts()
        .add(shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, FRACTION_BITS))
        .reinterpretAsFloats();
  }

  /** e^x, the same bits as in a lane. */
  static float exp(float x) {
    float v = Math.min(Math.max(x, MIN), MAX);
    float shifted = Math.fma(v, LOG2_E, ROUNDER);
    float minusK = ROUNDER - shifted;
    float r = Math.fma(minusK, LN2_HIGH, v);
    r = Math.fma(minusK, LN2_LOW, r);
    float p = Math.fma(C7, r, C6);
    p = Math.fma(p, r, C5);
    p = Math.fma(p, r, C4);
    p = Math.fma(p, r, C3);
    p = Math.fma(p, r, C2);
    p = Math.fma(p, r, 1);
    p = Math.fma(p, r, 1);
    return Float.intBitsToFloat(
        Float.floatToRawIntBits(p) + (Float.floatToRawIntBits(shifted) << FRACTION_BITS));
  }
}
