package org.kithlm.model.kernel;

import java.util.Collection;
import java.util.EnumMap;
import java.util.Map;
import org.kithlm.model.gguf.GgmlType;

/**
 * The inputs of a matrix product, quantized once for all matrices that they meet: in blocks of
 * {@value #BLOCK} columns to the sum of two planes of 8 bits, each with a float step, {@code x =
 * step[0] * q[0] + step[1] * q[1]}. The second holds what the first leaves over. With one plane
 * alone, the order of the sums of N ranks would turn a rounding now and then, and near ties of the
 * next token with it. Written by the caller's thread, then read by many.
 *
 * <p>Kernels shift a word of weights down field by field but do not mask the fields above, which
 * leaves the field plus a multiple of the one above it. The factors make up for that: with T(k) =
 * f(k) + M f(k+1), the sum of f(k) x(k) is that of T(k) (x(k) - M x(k-1)). This holds modulo 2^16,
 * and the sums of a block fit into 16 bits: 16 x 15 x 127 with 4 bits; with 5 and 6 bits they fit
 * once 16 or 32 is taken off each weight, which the last factor of a block does as the sum's start.
 *
 * <p>Tokens are grouped by {@value #TOKENS}: factor i of token t in such a group lies at {@code i *
 * TOKENS + t}; the tokens that are left over have groups of their own.
 */
public final class Activations {
  /** Columns of a block. */
  public static final int BLOCK = 32;

  /** Planes of quantized inputs. */
  static final int PLANES = 2;

  /** Steps of the second plane in one of the first: half a step is 127 of them. */
  private static final float FINER = 254;

  /** Tokens that a kernel multiplies at a time. */
  static final int TOKENS = 4;

  private static final int PAIRS = BLOCK / 2;

  /** Below this the reciprocal of a step would be infinite; such inputs count as zeros. */
  private static final float LARGEST_MIN = 0x1p-110f;

  /** Adding and subtracting it rounds to the nearest integer. */
  private static final float ROUNDING = 0x1.8p23f;

  /** The inputs in the form of one kernel. */
  private static final class Form {
    private final int[] factors;
    private boolean ready;

    Form(int[] factors) {
      this.factors = factors;
    }
  }

  private final int columnsMax;
  private final int planeBlocks;
  private final Map<Payload, Form> forms = new EnumMap<>(Payload.class);
  private final Form[] allForms;
  private final int[] pairs;
  private final float[] steps;
  private final float[] sums;
  private final float[] rest = new float[BLOCK];
  private float[] x = {};
  private int tokenCount;
  private int columns;
  private boolean quantized;

  /**
   * Allocates the buffers.
   *
   * @param tokensMax tokens at most
   * @param columnsMax columns at most
   * @param types element types of the matrices that will be multiplied
   */
  public Activations(int tokensMax, int columnsMax, Collection<GgmlType> types) {
    this.columnsMax = columnsMax;
    planeBlocks = tokensMax * (columnsMax / BLOCK);
    int blocksMax = PLANES * planeBlocks;
    for (GgmlType type : types) {
      Payload payload = Payload.of(type);
      forms.computeIfAbsent(payload, p -> new Form(new int[blocksMax * p.pairsPerBlock()]));
    }
    allForms = forms.values().toArray(new Form[0]); // iterating over the map would allocate
    pairs = new int[blocksMax * PAIRS];
    steps = new float[blocksMax];
    sums = new float[blocksMax];
  }

  /**
   * Takes new inputs, which must not change until the next call.
   *
   * @param x inputs [tokenCount x columns]
   * @throws IndexOutOfBoundsException if the array is shorter, or they are more than the buffers
   *     hold
   */
  public void set(float[] x, int tokenCount, int columns) {
    if (columns > columnsMax || (long) tokenCount * columns > x.length) {
      throw new IndexOutOfBoundsException(
          "tokens=" + tokenCount + " columns=" + columns + " of " + x.length + " elements");
    }
    this.x = x;
    this.tokenCount = tokenCount;
    this.columns = columns;
    quantized = false;
    for (Form form : allForms) {
      form.ready = false;
    }
  }

  /** Makes what the kernel of a type needs, unless it is there already. */
  public void prepare(GgmlType type) {
    Payload payload = Payload.of(type);
    Form form = form(payload);
    if (payload == Payload.FLOATS || form.ready) {
      return;
    }
    if (!quantized) {
      for (int token = 0; token < tokenCount; token++) {
        quantize(token);
      }
      quantized = true;
    }
    int[] out = form.factors;
    for (int plane = 0; plane < PLANES; plane++) {
      for (int token = 0; token < tokenCount; token++) {
        ActivationFactors.write(
            payload,
            pairs,
            (plane * planeBlocks + token * blocks()) * PAIRS,
            out,
            plane * planeBlocks * payload.pairsPerBlock() + token(token, payload),
            blocks(),
            stride(token));
      }
    }
    form.ready = true;
  }

  private int token(int token, Payload payload) {
    int inGroup = stride(token) == 1 ? 0 : token % TOKENS;
    return (token - inGroup) * blocks() * payload.pairsPerBlock() + inGroup;
  }

  /** Tokens in the group of a token. */
  private int stride(int token) {
    return token < tokenCount / TOKENS * TOKENS ? TOKENS : 1;
  }

  private void quantize(int token) {
    int stride = stride(token);
    int inGroup = stride == 1 ? 0 : token % TOKENS;
    int out = (token - inGroup) * blocks() + inGroup;
    int pair = token * blocks() * PAIRS;
    int end = (token + 1) * columns;
    for (int at = token * columns; at < end; at += BLOCK) {
      float largest = 0;
      for (int i = at; i < at + BLOCK; i++) {
        largest = Math.max(largest, Math.abs(x[i]));
      }
      float step = largest < LARGEST_MIN ? 0 : largest / 127;
      float perStep = step == 0 ? 0 : 1 / step;
      System.arraycopy(x, at, rest, 0, BLOCK);
      quantizeRest(step, perStep, pair, out);
      quantizeRest(step / FINER, perStep * FINER, pair + planeBlocks * PAIRS, out + planeBlocks);
      pair += PAIRS;
      out += stride;
    }
  }

  /** Rounds a block to multiples of a step and leaves what is over. */
  private void quantizeRest(float step, float perStep, int pair, int out) {
    int sum = 0;
    for (int i = 0; i < BLOCK; i += 2) {
      int even = Float.floatToRawIntBits(rest[i] * perStep + ROUNDING) << 16 >> 16;
      int odd = Float.floatToRawIntBits(rest[i + 1] * perStep + ROUNDING) << 16 >> 16;
      rest[i] = Math.fma(-step, even, rest[i]);
      rest[i + 1] = Math.fma(-step, odd, rest[i + 1]);
      sum += even + odd;
      pairs[pair++] = (even & 0xFFFF) | (odd << 16);
    }
    steps[out] = step;
    sums[out] = step * sum;
  }

  int tokenCount() {
    return tokenCount;
  }

  int columns() {
    return columns;
  }

  /** Whole blocks of a token. */
  int blocks() {
    return columns / BLOCK;
  }

  /** The inputs as they are. */
  float[] floats() {
    return x;
  }

  /** Blocks from one plane to the next. */
  int planeBlocks() {
    return planeBlocks;
  }

  /** The step of each block. */
  float[] steps() {
    return steps;
  }

  /** The sum of each block's quantized inputs times the step. */
  float[] sums() {
    return sums;
  }

  int[] factors(Payload payload) {
    return form(payload).factors;
  }

  private Form form(Payload payload) {
    Form form = forms.get(payload);
    if (form == null) {
      throw new IllegalArgumentException("activations have no buffer for " + payload);
    }
    return form;
  }
}
