package org.kithlm.model.kernel;

import static jdk.incubator.vector.VectorOperators.ADD;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2S;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.MAX;
import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;
import static org.kithlm.model.kernel.NativeWords.FIELDS;
import static org.kithlm.model.kernel.NativeWords.INTS;

import java.util.Collection;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.gguf.GgmlType;

/**
 * The inputs of a matrix product, quantized once for all matrices that they meet: in blocks of
 * {@value #BLOCK} columns to integers with a float step, {@code x = step * q}. For K-quants q has 8
 * bits, from -127 to 127; for the older 4-bit types, which small models are made of, it has 9,
 * which cost their kernels nothing and quarter the error. Matrices of floats and of 8 bits meet the
 * inputs as they are. Written by the caller's thread, then read by many.
 *
 * <p>Kernels shift a word of weights down field by field but do not mask the fields above, which
 * leaves the field plus a multiple of the one above it. The factors make up for that: with T(k) =
 * f(k) + M f(k+1), the sum of f(k) x(k) is that of T(k) (x(k) - M x(k-1)). This holds modulo 2^16,
 * and the sums of a block fit into 16 bits, where need be once 8, 16 or 32 is taken off each weight
 * of 4, 5 or 6 bits, which the last factor of a block does as the sum's start.
 *
 * <p>Tokens are grouped by {@value #TOKENS}: factor i of token t in such a group lies at {@code i *
 * TOKENS + t}; the tokens that are left over have groups of their own.
 */
public final class Activations {
  /** Columns of a block. */
  public static final int BLOCK = 32;

  /** Tokens that a kernel multiplies at a time. */
  static final int TOKENS = 4;

  private static final int PAIRS = BLOCK / 2;

  /** The largest integer of 8 bits; sums of 4-bit weights times it need no centre. */
  private static final int COARSE = 127;

  /** Below this the reciprocal of a step would be infinite; such inputs count as zeros. */
  private static final float LARGEST_MIN = 0x1p-110f;

  /** Adding and subtracting it rounds to the nearest integer. */
  private static final float ROUNDING = 0x1.8p23f;

  /** The inputs rounded to so many steps. */
  private static final class Rounded {
    private final int stepsMax;
    private final int[] pairs;
    private final float[] steps;
    private final float[] sums;
    private boolean ready;

    Rounded(int stepsMax, int blocksMax) {
      this.stepsMax = stepsMax;
      pairs = new int[blocksMax * PAIRS];
      steps = new float[blocksMax];
      sums = new float[blocksMax];
    }
  }

  /** The inputs in the form of one kernel. */
  private static final class Form {
    private final Payload payload;
    private final Rounded rounded;
    private final int[] factors;
    private boolean ready;

    Form(Payload payload, Rounded rounded, int blocksMax) {
      this.payload = payload;
      this.rounded = rounded;
      factors = new int[blocksMax * payload.pairsPerBlock()];
    }
  }

  private final int columnsMax;
  private final Map<GgmlType, Form> forms = new EnumMap<>(GgmlType.class);
  private final Form[] allForms;
  private final Map<GgmlType, NativeInputs> nativeInputs = new EnumMap<>(GgmlType.class);
  private final NativeInputs[] allNativeInputs;
  private float[] x = {};
  private int tokenCount;
  private int columns;

  /**
   * Allocates the buffers.
   *
   * @param tokensMax tokens at most
   * @param columnsMax columns at most
   * @param types element types of the matrices that will be multiplied
   */
  public Activations(int tokensMax, int columnsMax, Collection<GgmlType> types) {
    this(tokensMax, columnsMax, types, KernelChoice.current());
  }

  Activations(
      int tokensMax, int columnsMax, Collection<GgmlType> types, @Nullable NativeKernels kernels) {
    this.columnsMax = columnsMax;
    int blocksMax = tokensMax * (columnsMax / BLOCK);
    Map<Integer, Rounded> rounded = new TreeMap<>();
    Map<String, Form> shared = new TreeMap<>();
    Map<String, NativeInputs> sharedNative = new TreeMap<>();
    for (GgmlType type : types) {
      Payload payload = Payload.of(type);
      if (kernels != null && NativeKernels.support(type)) {
        NativeInputs its =
            sharedNative.computeIfAbsent(
                payload + " " + stepsMax(type),
                k -> new NativeInputs(kernels, type, tokensMax, columnsMax));
        nativeInputs.put(type, its);
      } else if (payload.pairsPerBlock() > 0) {
        Rounded its = rounded.computeIfAbsent(stepsMax(type), n -> new Rounded(n, blocksMax));
        String key = payload + " " + its.stepsMax;
        forms.put(type, shared.computeIfAbsent(key, k -> new Form(payload, its, blocksMax)));
      }
    }
    allForms = shared.values().toArray(new Form[0]); // iterating over the map would allocate
    allNativeInputs = sharedNative.values().toArray(new NativeInputs[0]);
  }

  /** Bytes that the buffers take for each token. */
  public static long bytesPerToken(int columnsMax, Collection<GgmlType> types) {
    Set<Integer> rounded = new TreeSet<>();
    Map<String, Integer> pairs = new TreeMap<>();
    for (GgmlType type : types) {
      Payload payload = Payload.of(type);
      if (payload.pairsPerBlock() > 0) {
        rounded.add(stepsMax(type));
        pairs.put(payload + " " + stepsMax(type), payload.pairsPerBlock());
      }
    }
    long numbersPerBlock =
        (long) rounded.size() * (PAIRS + 2) + pairs.values().stream().mapToInt(n -> n).sum();
    return columnsMax / BLOCK * numbersPerBlock * Integer.BYTES;
  }

  /** The largest magnitude of a quantized input. */
  static int stepsMax(GgmlType type) {
    return switch (type) {
      case Q4_0, Q4_1 -> 255;
      default -> COARSE;
    };
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
    for (Form form : allForms) {
      form.ready = false;
      form.rounded.ready = false;
    }
    for (NativeInputs its : allNativeInputs) {
      its.invalidate();
    }
  }

  /** Makes what the kernel of a type needs, unless it is there already. */
  public void prepare(GgmlType type) {
    NativeInputs its = nativeInputs.get(type);
    if (its != null) {
      its.prepare(x, tokenCount, columns);
      return;
    }
    if (Payload.of(type).pairsPerBlock() == 0) {
      return;
    }
    Form form = form(type);
    if (form.ready) {
      return;
    }
    if (!form.rounded.ready) {
      for (int token = 0; token < tokenCount; token++) {
        round(token, form.rounded);
      }
      form.rounded.ready = true;
    }
    for (int token = 0; token < tokenCount; token++) {
      ActivationFactors.write(
          form.payload,
          form.rounded.stepsMax == COARSE ? 0 : 8,
          form.rounded.pairs,
          token * blocks() * PAIRS,
          form.factors,
          token(token, form.payload),
          blocks(),
          stride(token));
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

  /** Lanes are reduced here as neither a maximum nor a sum of integers depends on the order. */
  private void round(int token, Rounded rounded) {
    int stride = stride(token);
    int inGroup = stride == 1 ? 0 : token % TOKENS;
    int out = (token - inGroup) * blocks() + inGroup;
    int pair = token * blocks() * PAIRS;
    int end = (token + 1) * columns;
    for (int at = token * columns; at < end; at += BLOCK) {
      FloatVector magnitudes = FloatVector.fromArray(FLOATS, x, at).abs();
      for (int i = COUNT; i < BLOCK; i += COUNT) {
        magnitudes = magnitudes.max(FloatVector.fromArray(FLOATS, x, at + i).abs());
      }
      float largest = magnitudes.reduceLanes(MAX);
      float step = largest < LARGEST_MIN ? 0 : largest / rounded.stepsMax;
      float perStep = step == 0 ? 0 : 1 / step;
      IntVector sum = IntVector.zero(INTS);
      for (int i = 0; i < BLOCK; i += COUNT) {
        FloatVector shifted = FloatVector.fromArray(FLOATS, x, at + i).mul(perStep).add(ROUNDING);
        IntVector bits = shifted.reinterpretAsInts();
        sum = sum.add(bits.lanewise(LSHL, 16).lanewise(ASHR, 16));
        bits.convertShape(I2S, FIELDS, 0)
            .reinterpretAsInts()
            .intoArray(rounded.pairs, pair + i / 2);
      }
      pair += PAIRS;
      rounded.steps[out] = step;
      rounded.sums[out] = step * sum.reduceLanes(ADD);
      out += stride;
    }
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

  /** The inputs for native kernels; null if those in Java multiply the type. */
  @Nullable NativeInputs nativeInputs(GgmlType type) {
    return nativeInputs.get(type);
  }

  /** The step of each block, as rounded for the type. */
  float[] steps(GgmlType type) {
    return form(type).rounded.steps;
  }

  /** The sum of each block's quantized inputs times the step. */
  float[] sums(GgmlType type) {
    return form(type).rounded.sums;
  }

  int[] factors(GgmlType type) {
    return form(type).factors;
  }

  private Form form(GgmlType type) {
    Form form = forms.get(type);
    if (form == null) {
      throw new IllegalArgumentException("activations have no buffer for " + type);
    }
    return form;
  }
}
