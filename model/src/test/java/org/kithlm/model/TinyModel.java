package org.kithlm.model;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.gguf.GgufWriter;
import org.kithlm.model.weight.TensorRole;

/**
 * Small models with random weights. Quantized blocks are random bytes with small positive scales,
 * vectors lie around 1.
 *
 * @param architecture family
 * @param layers layers
 * @param hidden width of the residual stream
 * @param ffn inner width of the FFN
 * @param heads query heads
 * @param kvHeads KV heads
 * @param headDim width of a head
 * @param vocabulary tokens
 * @param tied whether the embedding is the output head
 * @param embeddingType element type of embedding and output head
 * @param types element types of the other matrices, F32 where missing
 * @param seed of the weights
 */
public record TinyModel(
    Architecture architecture,
    int layers,
    int hidden,
    int ffn,
    int heads,
    int kvHeads,
    int headDim,
    int vocabulary,
    boolean tied,
    GgmlType embeddingType,
    Map<TensorRole, GgmlType> types,
    long seed) {

  /** Writes it as a GGUF file. */
  public Path write(Path path) throws IOException {
    return writer().write(path);
  }

  /** The GGUF file before it is written. */
  public GgufWriter writer() {
    Random random = new Random(seed);
    GgufWriter writer = new GgufWriter();
    putMetadata(writer);
    matrix(writer, random, "token_embd.weight", embeddingType, hidden, vocabulary);
    if (!tied) {
      matrix(writer, random, "output.weight", embeddingType, hidden, vocabulary);
    }
    for (int layer = 0; layer < layers; layer++) {
      addLayer(writer, random, "blk." + layer + ".");
    }
    vector(writer, random, "output_norm.weight", hidden);
    return writer;
  }

  private void putMetadata(GgufWriter writer) {
    String name = architecture.name().toLowerCase(Locale.ROOT);
    writer
        .put("general.architecture", name)
        .put(name + ".block_count", layers)
        .put(name + ".embedding_length", hidden)
        .put(name + ".feed_forward_length", ffn)
        .put(name + ".attention.head_count", heads)
        .put(name + ".attention.head_count_kv", kvHeads)
        .put(name + ".attention.key_length", headDim)
        .put(name + ".attention.value_length", headDim)
        .put(name + ".attention.layer_norm_rms_epsilon", 1e-5f)
        .put(name + ".context_length", 256)
        .put(name + ".rope.freq_base", 10_000f);
    if (architecture == Architecture.GEMMA3) {
      writer.put(name + ".attention.sliding_window", 8);
    }
  }

  private void addLayer(GgufWriter writer, Random random, String prefix) {
    int width = heads * headDim;
    int kvWidth = kvHeads * headDim;
    vector(writer, random, prefix + "attn_norm.weight", hidden);
    vector(writer, random, prefix + "ffn_norm.weight", hidden);
    matrix(writer, random, prefix + "attn_q.weight", type(TensorRole.ATTN_Q), hidden, width);
    matrix(writer, random, prefix + "attn_k.weight", type(TensorRole.ATTN_K), hidden, kvWidth);
    matrix(writer, random, prefix + "attn_v.weight", type(TensorRole.ATTN_V), hidden, kvWidth);
    matrix(
        writer, random, prefix + "attn_output.weight", type(TensorRole.ATTN_OUTPUT), width, hidden);
    matrix(writer, random, prefix + "ffn_gate.weight", type(TensorRole.FFN_GATE), hidden, ffn);
    matrix(writer, random, prefix + "ffn_up.weight", type(TensorRole.FFN_UP), hidden, ffn);
    matrix(writer, random, prefix + "ffn_down.weight", type(TensorRole.FFN_DOWN), ffn, hidden);
    if (architecture == Architecture.QWEN2) {
      vector(writer, random, prefix + "attn_q.bias", width);
      vector(writer, random, prefix + "attn_k.bias", kvWidth);
      vector(writer, random, prefix + "attn_v.bias", kvWidth);
    }
    if (architecture == Architecture.GEMMA3) {
      vector(writer, random, prefix + "attn_q_norm.weight", headDim);
      vector(writer, random, prefix + "attn_k_norm.weight", headDim);
      vector(writer, random, prefix + "post_attention_norm.weight", hidden);
      vector(writer, random, prefix + "post_ffw_norm.weight", hidden);
    }
  }

  private GgmlType type(TensorRole role) {
    return types.getOrDefault(role, GgmlType.F32);
  }

  private static void vector(GgufWriter writer, Random random, String name, int length) {
    byte[] bytes = new byte[length * Float.BYTES];
    ByteBuffer data = little(bytes);
    for (int i = 0; i < length; i++) {
      data.putFloat(1 + 0.1f * (float) random.nextGaussian());
    }
    writer.tensor(name, GgmlType.F32, bytes, length);
  }

  private static void matrix(
      GgufWriter writer, Random random, String name, GgmlType type, int columns, int rows) {
    writer.tensor(name, type, blocks(random, type, (long) columns * rows), columns, rows);
  }

  private static byte[] blocks(Random random, GgmlType type, long length) {
    byte[] bytes = new byte[(int) type.bytes(length)];
    random.nextBytes(bytes);
    ByteBuffer data = little(bytes);
    for (int block = 0; block < bytes.length; block += type.blockBytes()) {
      float value = 0.1f * (float) random.nextGaussian();
      short scale = Float.floatToFloat16(0.001f + 0.01f * random.nextFloat());
      switch (type) {
        case F32 -> data.putFloat(block, value);
        case F16 -> data.putShort(block, Float.floatToFloat16(value));
        case BF16 -> data.putShort(block, (short) (Float.floatToRawIntBits(value) >>> 16));
        case Q4_0, Q5_0, Q8_0 -> data.putShort(block, scale);
        case Q4_1, Q5_1, Q4_K, Q5_K -> data.putShort(block, scale).putShort(block + 2, scale);
        case Q6_K -> data.putShort(block + 208, scale);
      }
    }
    return bytes;
  }

  private static ByteBuffer little(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
