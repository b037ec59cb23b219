package org.kithlm.deploy.catalog;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.kithlm.model.config.ModelTensors;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.gguf.GgufHeader;

/** Shapes of models that can be made up, as their makers published them. */
public enum SyntheticShape {
  /** The 110M of llama2.c's story tellers. */
  STORIES_110M(768, 2048, 12, 12, 12, 32_000, 1024, 10_000),
  /** Llama 2, 7B. */
  LLAMA2_7B(4096, 11008, 32, 32, 32, 32_000, 4096, 10_000),
  /** Llama 2, 13B. */
  LLAMA2_13B(5120, 13824, 40, 40, 40, 32_000, 4096, 10_000),
  /** The 34B of Llama 2 as published for code. */
  LLAMA2_34B(8192, 22016, 48, 64, 8, 32_000, 16_384, 1_000_000),
  /** Llama 2, 70B. */
  LLAMA2_70B(8192, 28672, 80, 64, 8, 32_000, 4096, 10_000),
  /** Llama 3, 8B. */
  LLAMA3_8B(4096, 14336, 32, 32, 8, 128_256, 8192, 500_000);

  private static final int BYTES = 256;
  private static final int NORMAL = 1;
  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int BYTE = 6;

  private final int hidden;
  private final int ffn;
  private final int layers;
  private final int heads;
  private final int kvHeads;
  private final int vocabulary;
  private final int context;
  private final float ropeBase;

  SyntheticShape(
      int hidden,
      int ffn,
      int layers,
      int heads,
      int kvHeads,
      int vocabulary,
      int context,
      float ropeBase) {
    this.hidden = hidden;
    this.ffn = ffn;
    this.layers = layers;
    this.heads = heads;
    this.kvHeads = kvHeads;
    this.vocabulary = vocabulary;
    this.context = context;
    this.ropeBase = ropeBase;
  }

  /** The header of its GGUF with matrices of one type, and a vocabulary of made-up words. */
  GgufHeader header(GgmlType type) {
    GgufHeader header = new GgufHeader();
    header
        .put("general.architecture", "llama")
        .put("general.name", this + " with made-up weights")
        .put("llama.block_count", layers)
        .put("llama.embedding_length", hidden)
        .put("llama.feed_forward_length", ffn)
        .put("llama.attention.head_count", heads)
        .put("llama.attention.head_count_kv", kvHeads)
        .put("llama.attention.layer_norm_rms_epsilon", 1e-5f)
        .put("llama.context_length", context)
        .put("llama.rope.freq_base", ropeBase);
    putVocabulary(header);
    int width = heads * headDim();
    int kvWidth = kvHeads * headDim();
    addMatrix(header, type, ModelTensors.TOKEN_EMBEDDING, vocabulary, hidden);
    addMatrix(header, type, ModelTensors.OUTPUT, vocabulary, hidden);
    for (int layer = 0; layer < layers; layer++) {
      addMatrix(header, type, ModelTensors.layerTensor(layer, "attn_q.weight"), width, hidden);
      addMatrix(header, type, ModelTensors.layerTensor(layer, "attn_k.weight"), kvWidth, hidden);
      addMatrix(header, type, ModelTensors.layerTensor(layer, "attn_v.weight"), kvWidth, hidden);
      addMatrix(header, type, ModelTensors.layerTensor(layer, "attn_output.weight"), hidden, width);
      addMatrix(header, type, ModelTensors.layerTensor(layer, "ffn_gate.weight"), ffn, hidden);
      addMatrix(header, type, ModelTensors.layerTensor(layer, "ffn_up.weight"), ffn, hidden);
      addMatrix(header, type, ModelTensors.layerTensor(layer, "ffn_down.weight"), hidden, ffn);
      addNorm(header, ModelTensors.layerTensor(layer, "attn_norm.weight"));
      addNorm(header, ModelTensors.layerTensor(layer, "ffn_norm.weight"));
    }
    addNorm(header, ModelTensors.OUTPUT_NORM);
    return header;
  }

  private int headDim() {
    return hidden / heads;
  }

  private static void addMatrix(
      GgufHeader header, GgmlType type, String name, int rows, int columns) {
    header.tensor(name, type, rows * type.bytes(columns), columns, rows);
  }

  private void addNorm(GgufHeader header, String name) {
    header.tensor(name, GgmlType.F32, GgmlType.F32.bytes(hidden), hidden);
  }

  /** Control tokens, all bytes, and words that no text has: text is encoded byte by byte. */
  private void putVocabulary(GgufHeader header) {
    List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
    int[] types = new int[vocabulary];
    Arrays.fill(types, NORMAL);
    types[0] = UNKNOWN;
    types[1] = CONTROL;
    types[2] = CONTROL;
    for (int value = 0; value < BYTES; value++) {
      types[tokens.size()] = BYTE;
      tokens.add(String.format(Locale.ROOT, "<0x%02X>", value));
    }
    while (tokens.size() < vocabulary) {
      tokens.add("\u2581w" + tokens.size());
    }
    header
        .put("tokenizer.ggml.model", "llama")
        .put("tokenizer.ggml.tokens", tokens)
        .put("tokenizer.ggml.scores", new float[vocabulary])
        .put("tokenizer.ggml.token_type", types)
        .put("tokenizer.ggml.bos_token_id", 1)
        .put("tokenizer.ggml.eos_token_id", 2);
  }

  /** The word that users write and read. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
