package org.kithlm.model.kernel;

import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;

import jdk.incubator.vector.FloatVector;

/** The elementwise half of a gated FFN: {@code gate[i] = activation(gate[i]) * up[i]}. */
public final class GatedActivation {
  private static final float GELU_CUBIC = 0.044715f;

  /** 2 sqrt(2 / pi). */
  private static final float GELU_FACTOR = (float) (2 / 1.2533141373155003);

  private GatedActivation() {}

  /** SiLU: x * sigmoid(x). */
  public static void silu(float[] gate, float[] up, int length) {
    int body = FLOATS.loopBound(length);
    for (int i = 0; i < body; i += COUNT) {
      FloatVector x = FloatVector.fromArray(FLOATS, gate, i);
      gated(x, x.neg(), up, i).intoArray(gate, i);
    }
    for (int i = body; i < length; i++) {
      gate[i] = gated(gate[i], -gate[i], up[i]);
    }
  }

  /**
   * GELU in its tanh form: 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), which is x * sigmoid(2
   * sqrt(2/pi) (x + 0.044715 x^3)) as (1 + tanh u) / 2 = sigmoid(2u).
   */
  public static void geluTanh(float[] gate, float[] up, int length) {
    int body = FLOATS.loopBound(length);
    for (int i = 0; i < body; i += COUNT) {
      FloatVector x = FloatVector.fromArray(FLOATS, gate, i);
      FloatVector inner = x.mul(x).mul(GELU_CUBIC).add(1).mul(x).mul(-GELU_FACTOR);
      gated(x, inner, up, i).intoArray(gate, i);
    }
    for (int i = body; i < length; i++) {
      float x = gate[i];
      gate[i] = gated(x, (x * x * GELU_CUBIC + 1) * x * -GELU_FACTOR, up[i]);
    }
  }

  /** x / (1 + e^minusU) * up. */
  private static FloatVector gated(FloatVector x, FloatVector minusU, float[] up, int i) {
    return x.div(Exponential.exp(minusU).add(1)).mul(FloatVector.fromArray(FLOATS, up, i));
  }

  private static float gated(float x, float minusU, float up) {
    return x / (Exponential.exp(minusU) + 1) * up;
  }
}
