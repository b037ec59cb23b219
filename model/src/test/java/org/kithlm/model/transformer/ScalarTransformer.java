package org.kithlm.model.transformer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import java.util.Objects;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.config.ModelConfigReader;
import org.kithlm.model.config.ModelTensors;
import org.kithlm.model.gguf.GgufFile;
import org.kithlm.model.gguf.GgufTensor;
import org.kithlm.model.kernel.Formulas;
import org.kithlm.model.kernel.ScalarDequantizer;

/**
 * The whole model in plain loops, straight from the GGUF file: weights dequantized to f32, sums in
 * double precision, no shards, no cache, no kernel of ours but the scalar dequantizer. What the
 * real forward pass is compared with.
 */
final class ScalarTransformer implements AutoCloseable {
  private final ModelConfig config;
  private final GgufFile gguf;
  private final FileChannel channel;
  private final boolean roundsAsKernels;

  /**
   * Reads the header.
   *
   * @param roundsAsKernels whether keys and values are rounded to 16 bits, as in the KV cache, and
   *     the inputs of matrices as in their kernels
   */
  ScalarTransformer(GgufFile gguf, boolean roundsAsKernels) throws IOException {
    this.gguf = gguf;
    this.roundsAsKernels = roundsAsKernels;
    config = ModelConfigReader.from(gguf.metadata(), gguf.tensors());
    channel = FileChannel.open(gguf.path());
  }

  /** Logits after the last of these tokens. */
  float[] logits(int[] ids) {
    float[][] hidden = hidden(ids);
    float[] norm = tensor(ModelTensors.OUTPUT_NORM);
    float[] last = Formulas.rmsNorm(hidden[ids.length - 1], norm, config.rmsEpsilon());
    String head = config.tiedEmbedding() ? ModelTensors.TOKEN_EMBEDDING : ModelTensors.OUTPUT;
    float[] logits = multiply(head, new float[][] {last})[0];
    if (config.logitSoftcap() > 0) {
      for (int i = 0; i < logits.length; i++) {
        logits[i] = (float) softcap(logits[i], config.logitSoftcap());
      }
    }
    return logits;
  }

  /** Hidden states of all tokens after the last layer. */
  float[][] hidden(int[] ids) {
    float[][] hidden = new float[ids.length][];
    for (int t = 0; t < ids.length; t++) {
      hidden[t] = embedding(ids[t]);
    }
    for (int layer = 0; layer < config.layerCount(); layer++) {
      float[][] attention = attention(layer, normalized(layer, "attn_norm.weight", hidden));
      add(hidden, afterBlock(layer, "post_attention_norm.weight", attention));
      float[][] ffn = feedForward(layer, normalized(layer, "ffn_norm.weight", hidden));
      add(hidden, afterBlock(layer, "post_ffw_norm.weight", ffn));
    }
    return hidden;
  }

  /** The row of a token times the embedding scale. */
  float[] embedding(int id) {
    float[] row = new float[config.hiddenSize()];
    GgufTensor tensor = find(ModelTensors.TOKEN_EMBEDDING);
    readRow(tensor, id, row);
    for (int i = 0; i < row.length; i++) {
      row[i] *= config.embeddingScale();
    }
    return row;
  }

  private float[][] attention(int layer, float[][] x) {
    float[][] q = project(layer, "attn_q", x);
    float[][] k = project(layer, "attn_k", x);
    float[][] v = project(layer, "attn_v", x);
    positionHeads(layer, q, "attn_q_norm.weight");
    positionHeads(layer, k, "attn_k_norm.weight");
    if (roundsAsKernels) {
      roundToHalf(k);
      roundToHalf(v);
    }
    int dim = config.headDim();
    float[][] mixed = new float[x.length][config.headCount() * dim];
    for (int t = 0; t < x.length; t++) {
      int first = config.isGlobalLayer(layer) ? 0 : Math.max(0, t - config.slidingWindow() + 1);
      for (int head = 0; head < config.headCount(); head++) {
        int kvOffset = head / (config.headCount() / config.kvHeadCount()) * dim;
        double[] scores = new double[t + 1 - first];
        for (int p = first; p <= t; p++) {
          double dot = Formulas.dot(q[t], head * dim, k[p], kvOffset, dim);
          scores[p - first] = softcap(dot * config.attentionScale(), config.attentionSoftcap());
        }
        double[] weights = Formulas.softmax(scores);
        for (int i = 0; i < dim; i++) {
          double sum = 0;
          for (int p = first; p <= t; p++) {
            sum += weights[p - first] * v[p][kvOffset + i];
          }
          mixed[t][head * dim + i] = (float) sum;
        }
      }
    }
    return multiply(ModelTensors.layerTensor(layer, "attn_output.weight"), mixed);
  }

  private float[][] feedForward(int layer, float[][] x) {
    float[][] gate = multiply(ModelTensors.layerTensor(layer, "ffn_gate.weight"), x);
    float[][] up = multiply(ModelTensors.layerTensor(layer, "ffn_up.weight"), x);
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < config.ffnSize(); i++) {
        double activated =
            switch (config.activation()) {
              case SILU -> Formulas.silu(gate[t][i]);
              case GELU_TANH -> Formulas.geluTanh(gate[t][i]);
            };
        gate[t][i] = (float) (activated * up[t][i]);
      }
    }
    return multiply(ModelTensors.layerTensor(layer, "ffn_down.weight"), gate);
  }

  private float[][] project(int layer, String name, float[][] x) {
    float[][] out = multiply(ModelTensors.layerTensor(layer, name + ".weight"), x);
    if (config.architecture() == Architecture.QWEN2) {
      float[] bias = tensor(ModelTensors.layerTensor(layer, name + ".bias"));
      for (float[] row : out) {
        for (int i = 0; i < row.length; i++) {
          row[i] += bias[i];
        }
      }
    }
    return out;
  }

  private void positionHeads(int layer, float[][] tokens, String normName) {
    ModelConfig.Rope rope = config.rope();
    boolean global = config.isGlobalLayer(layer);
    int dim = config.headDim();
    float[] divisors =
        gguf.tensors().containsKey(ModelTensors.ROPE_FREQS)
            ? tensor(ModelTensors.ROPE_FREQS)
            : new float[0];
    boolean normed = config.architecture() == Architecture.GEMMA3;
    float[] norm = normed ? tensor(ModelTensors.layerTensor(layer, normName)) : new float[0];
    for (int t = 0; t < tokens.length; t++) {
      for (int offset = 0; offset < tokens[t].length; offset += dim) {
        if (normed) {
          float[] head = Arrays.copyOfRange(tokens[t], offset, offset + dim);
          head = Formulas.rmsNorm(head, norm, config.rmsEpsilon());
          System.arraycopy(head, 0, tokens[t], offset, dim);
        }
        double position = global ? t * (double) rope.scale() : t;
        double base = global ? rope.freqBase() : rope.localFreqBase();
        Formulas.rotate(
            tokens[t], offset, rope.dimensions(), position, base, divisors, rope.halfSplit());
      }
    }
  }

  private float[][] normalized(int layer, String name, float[][] x) {
    float[] weight = tensor(ModelTensors.layerTensor(layer, name));
    float[][] out = new float[x.length][];
    for (int t = 0; t < x.length; t++) {
      out[t] = Formulas.rmsNorm(x[t], weight, config.rmsEpsilon());
    }
    return out;
  }

  private float[][] afterBlock(int layer, String name, float[][] x) {
    return config.architecture() == Architecture.GEMMA3 ? normalized(layer, name, x) : x;
  }

  private static void add(float[][] hidden, float[][] x) {
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < x[t].length; i++) {
        hidden[t][i] += x[t][i];
      }
    }
  }

  private static void roundToHalf(float[][] x) {
    for (float[] row : x) {
      for (int i = 0; i < row.length; i++) {
        row[i] = Float.float16ToFloat(Float.floatToFloat16(row[i]));
      }
    }
  }

  private static double softcap(double value, float cap) {
    return cap > 0 ? cap * Math.tanh(value / cap) : value;
  }

  /** x [tokens x columns] times the transpose of a matrix [rows x columns]. */
  private float[][] multiply(String name, float[][] x) {
    GgufTensor tensor = find(name);
    if (roundsAsKernels) {
      x = Arrays.stream(x).map(float[]::clone).toArray(float[][]::new);
      Arrays.stream(x).forEach(row -> Formulas.roundFor(tensor.type(), row));
    }
    float[][] y = new float[x.length][(int) tensor.rows()];
    float[] row = new float[(int) tensor.columns()];
    for (int r = 0; r < tensor.rows(); r++) {
      readRow(tensor, r, row);
      for (int t = 0; t < x.length; t++) {
        y[t][r] = (float) Formulas.dot(row, 0, x[t], 0, row.length);
      }
    }
    return y;
  }

  private float[] tensor(String name) {
    float[] out = new float[(int) find(name).columns()];
    readRow(find(name), 0, out);
    return out;
  }

  private GgufTensor find(String name) {
    return Objects.requireNonNull(gguf.tensors().get(name), name);
  }

  private void readRow(GgufTensor tensor, int row, float[] out) {
    byte[] bytes = new byte[(int) tensor.type().bytes(out.length)];
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    long offset = tensor.offsetBytes() + (long) row * bytes.length;
    try {
      while (buffer.hasRemaining()) {
        channel.read(buffer, offset + buffer.position());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    ScalarDequantizer.dequantize(
        tensor.type(), MemorySegment.ofArray(bytes), 0, out, 0, out.length);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
