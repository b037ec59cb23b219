package org.kithlm.model.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kithlm.model.TestModels;
import org.kithlm.model.config.ModelConfig.Activation;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.config.ModelConfig.Rope;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.gguf.GgufException;
import org.kithlm.model.gguf.GgufFile;
import org.kithlm.model.gguf.GgufMetadata;
import org.kithlm.model.gguf.GgufTensor;

class ModelConfigReaderTest {
  private static final int LAYERS = 2;
  private static final int HEADS = 4;
  private static final int HIDDEN = 64;

  private final Map<String, Object> pairs = new HashMap<>();
  private final Map<String, GgufTensor> tensors = new HashMap<>();

  @Test
  void shouldReadLlama() {
    llama();
    assertEquals(
        new ModelConfig(
            Architecture.LLAMA,
            2,
            64,
            96,
            4,
            2,
            16,
            10,
            128,
            1e-5f,
            new Rope(16, 10_000, 10_000, 1, false),
            0,
            0,
            0.25f,
            0,
            0,
            1,
            Activation.SILU,
            true),
        read());
  }

  @Test
  void shouldReadOwnOutputHeadAndRopeFreqs() {
    llama();
    tensor("output.weight", 64, 10);
    tensor("rope_freqs.weight", 8);
    assertEquals(false, read().tiedEmbedding());
  }

  @Test
  void shouldReadLinearRopeScaling() {
    llama();
    pairs.put("llama.rope.scaling.type", "linear");
    pairs.put("llama.rope.scaling.factor", 4f);
    assertEquals(0.25f, read().rope().scale());
  }

  @Test
  void shouldReadGemma3() {
    gemma3();
    ModelConfig config = read();
    assertEquals(8, config.embeddingScale());
    assertEquals(512, config.slidingWindow());
    assertEquals(6, config.slidingWindowPattern());
    assertEquals(new Rope(16, 1_000_000, 10_000, 1, true), config.rope());
    assertEquals(Activation.GELU_TANH, config.activation());
    assertEquals(0.25f, config.attentionScale());
  }

  @Test
  void shouldReadGemma3Overrides() {
    gemma3();
    pairs.put("gemma3.attention.sliding_window_pattern", 2L);
    pairs.put("gemma3.rope.freq_base_swa", 5000f);
    pairs.put("gemma3.attn_logit_softcapping", 50f);
    pairs.put("gemma3.final_logit_softcapping", 30f);
    ModelConfig config = read();
    assertEquals(2, config.slidingWindowPattern());
    assertEquals(5000, config.rope().localFreqBase());
    assertEquals(50, config.attentionSoftcap());
    assertEquals(30, config.logitSoftcap());
  }

  /** 27B: 62 layers, 32 heads of 128 on a width of 5376, scaled by 5376 / 32 = 168. */
  @Test
  void shouldScaleAttentionOfGemma3With27B() {
    assertEquals(
        (float) (1 / Math.sqrt(168)),
        ModelConfigReader.attentionScale(Architecture.GEMMA3, 62, 5376, 32, 128));
    assertEquals(
        (float) (1 / Math.sqrt(128)),
        ModelConfigReader.attentionScale(Architecture.QWEN2, 62, 5376, 32, 128));
  }

  @Test
  void shouldRefuseOtherArchitecture() {
    llama();
    pairs.put("general.architecture", "mamba");
    assertRefused("general.architecture=mamba is not supported; supported are llama, qwen2");
  }

  @Test
  void shouldRefuseYarn() {
    llama();
    pairs.put("llama.rope.scaling.type", "yarn");
    assertRefused("llama.rope.scaling.type=yarn is not supported");
  }

  @ParameterizedTest
  @CsvSource({
    "llama.block_count, 0",
    "llama.block_count, 2000000000",
    "llama.embedding_length, -64",
    "llama.attention.head_count, 0",
    "llama.attention.head_count_kv, 3",
    "llama.attention.head_count_kv, 8",
    "llama.attention.value_length, 8",
    "llama.feed_forward_length, 0",
    "llama.context_length, 0",
    "llama.rope.dimension_count, 15",
    "llama.rope.dimension_count, 18",
    "llama.vocab_size, 11",
    "llama.expert_count, 8",
  })
  void shouldRefuseBadNumber(String key, long value) {
    llama();
    pairs.put(key, value);
    GgufException e = assertThrows(GgufException.class, this::read);
    assertTrue(e.toString().contains("metadata " + key + "=" + value), e::toString);
  }

  @Test
  void shouldRefuseHeadsThatDoNotDivideTheWidth() {
    llama();
    pairs.put("llama.attention.head_count", 6L);
    assertRefused("llama.embedding_length=64, expected a multiple of 6 heads");
  }

  @Test
  void shouldRefuseMissingKey() {
    llama();
    pairs.remove("llama.feed_forward_length");
    assertRefused("metadata llama.feed_forward_length is missing");
  }

  @Test
  void shouldRefuseNotANumber() {
    llama();
    pairs.put("llama.attention.layer_norm_rms_epsilon", Float.NaN);
    assertRefused("llama.attention.layer_norm_rms_epsilon=NaN");
  }

  @Test
  void shouldRefuseVocabularyOfOtherSize() {
    llama();
    pairs.put("tokenizer.ggml.tokens", List.of("a", "b"));
    assertRefused("tokenizer.ggml.tokens has 2 entries, but token_embd.weight has 10 rows");
  }

  @Test
  void shouldRefuseWrongTensors() {
    llama();
    tensor("blk.1.ffn_down.weight", 64, 64);
    assertRefused("tensor blk.1.ffn_down.weight has dimensions [64, 64], expected [96, 64]");
    tensors.remove("blk.1.ffn_down.weight");
    assertRefused("tensor blk.1.ffn_down.weight is missing");
    tensors.remove("token_embd.weight");
    assertRefused("tensor token_embd.weight is missing");
  }

  @Test
  void shouldRefuseUnknownTensor() {
    llama();
    tensor("blk.0.attn_q.bias", 64);
    assertRefused("tensor blk.0.attn_q.bias is not part of a llama model");
  }

  @Test
  void shouldRefuseQuantizedVector() {
    llama();
    tensors.put(
        "output_norm.weight",
        new GgufTensor("output_norm.weight", List.of(64L), GgmlType.Q8_0, 0, 68));
    assertRefused("tensor output_norm.weight is Q8_0");
  }

  @ParameterizedTest
  @CsvSource({
    "smollm2, LLAMA, 30, 576, 1536, 9, 3, 64, 49152, 8192, 1e-5, 64, 100000, 0, 0.125, 1, true",
    "gemma3, GEMMA3, 18, 640, 2048, 4, 1, 256, 262144, 32768, 1e-6, 256, 1e6, 512, 0.0625, "
        + "25.298222, true",
    "qwen25, QWEN2, 28, 1536, 8960, 12, 2, 128, 151936, 32768, 1e-6, 128, 1e6, 0, 0.088388346, "
        + "1, false",
  })
  void shouldReadRealModel(
      String name,
      Architecture architecture,
      int layers,
      int hidden,
      int ffn,
      int heads,
      int kvHeads,
      int headDim,
      int vocabulary,
      int context,
      float epsilon,
      int ropeDimensions,
      float freqBase,
      int window,
      float attentionScale,
      float embeddingScale,
      boolean tied)
      throws IOException {
    GgufFile file = GgufFile.read(TestModels.gguf(name));
    boolean gemma = architecture == Architecture.GEMMA3;
    assertEquals(
        new ModelConfig(
            architecture,
            layers,
            hidden,
            ffn,
            heads,
            kvHeads,
            headDim,
            vocabulary,
            context,
            epsilon,
            new Rope(
                ropeDimensions,
                freqBase,
                gemma ? 10_000 : freqBase,
                1,
                architecture != Architecture.LLAMA),
            window,
            gemma ? 6 : 0,
            attentionScale,
            0,
            0,
            embeddingScale,
            gemma ? Activation.GELU_TANH : Activation.SILU,
            tied),
        ModelConfigReader.from(file.metadata(), file.tensors()));
  }

  private ModelConfig read() {
    return ModelConfigReader.from(new GgufMetadata(pairs), tensors);
  }

  private void assertRefused(String expected) {
    GgufException e = assertThrows(GgufException.class, this::read);
    assertTrue(e.toString().contains(expected), e::toString);
  }

  private void llama() {
    model("llama");
  }

  private void gemma3() {
    model("gemma3");
    pairs.put("gemma3.attention.sliding_window", 512L);
    pairs.put("gemma3.rope.freq_base", 1e6f);
    for (int layer = 0; layer < LAYERS; layer++) {
      tensor("blk." + layer + ".attn_q_norm.weight", 16);
      tensor("blk." + layer + ".attn_k_norm.weight", 16);
      tensor("blk." + layer + ".post_attention_norm.weight", 64);
      tensor("blk." + layer + ".post_ffw_norm.weight", 64);
    }
  }

  private void model(String architecture) {
    pairs.put("general.architecture", architecture);
    pairs.put(architecture + ".block_count", (long) LAYERS);
    pairs.put(architecture + ".embedding_length", (long) HIDDEN);
    pairs.put(architecture + ".feed_forward_length", 96L);
    pairs.put(architecture + ".attention.head_count", (long) HEADS);
    pairs.put(architecture + ".attention.head_count_kv", 2L);
    pairs.put(architecture + ".attention.layer_norm_rms_epsilon", 1e-5f);
    pairs.put(architecture + ".context_length", 128L);
    int headDim = HIDDEN / HEADS;
    tensor("token_embd.weight", HIDDEN, 10);
    tensor("output_norm.weight", HIDDEN);
    for (int layer = 0; layer < LAYERS; layer++) {
      String prefix = "blk." + layer + ".";
      tensor(prefix + "attn_norm.weight", HIDDEN);
      tensor(prefix + "attn_q.weight", HIDDEN, HIDDEN);
      tensor(prefix + "attn_k.weight", HIDDEN, 2L * headDim);
      tensor(prefix + "attn_v.weight", HIDDEN, 2L * headDim);
      tensor(prefix + "attn_output.weight", HIDDEN, HIDDEN);
      tensor(prefix + "ffn_norm.weight", HIDDEN);
      tensor(prefix + "ffn_gate.weight", HIDDEN, 96);
      tensor(prefix + "ffn_up.weight", HIDDEN, 96);
      tensor(prefix + "ffn_down.weight", 96, HIDDEN);
    }
  }

  private void tensor(String name, long... dimensions) {
    List<Long> shape = Arrays.stream(dimensions).boxed().toList();
    tensors.put(name, new GgufTensor(name, shape, GgmlType.F32, 0, 4));
  }
}
