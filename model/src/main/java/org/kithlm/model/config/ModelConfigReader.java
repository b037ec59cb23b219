package org.kithlm.model.config;

import java.util.Locale;
import java.util.Map;
import org.kithlm.model.config.ModelConfig.Activation;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.config.ModelConfig.Rope;
import org.kithlm.model.gguf.GgufException;
import org.kithlm.model.gguf.GgufMetadata;
import org.kithlm.model.gguf.GgufTensor;

/**
 * Derives the hyperparameters of a model from GGUF metadata and tensors. Keys are those of the GGUF
 * specification, prefixed with the architecture's name.
 */
public final class ModelConfigReader {
  // Far above any known model, so that products of two fit an int and of three a long.
  private static final int LAYERS_MAX = 1024;
  private static final int WIDTH_MAX = 1 << 20;
  private static final int HEADS_MAX = 4096;
  private static final int HEAD_DIM_MAX = 4096;
  private static final int VOCABULARY_MAX = 4 << 20;

  private static final float FREQ_BASE_DEFAULT = 10_000;
  private static final int GEMMA3_WINDOW_PATTERN = 6;
  private static final int GEMMA3_27B_HEADS = 32;
  private static final int GEMMA3_27B_LAYERS = 62;

  private final GgufMetadata metadata;
  private final Map<String, GgufTensor> tensors;
  private final Architecture architecture;

  private ModelConfigReader(GgufMetadata metadata, Map<String, GgufTensor> tensors) {
    this.metadata = metadata;
    this.tensors = tensors;
    architecture = architecture(metadata.string("general.architecture"));
  }

  /**
   * Reads and validates the hyperparameters, and checks that the tensors are those of such a model.
   *
   * @param tensors all tensors of the file by name
   * @throws GgufException naming the key or tensor and its value
   */
  public static ModelConfig from(GgufMetadata metadata, Map<String, GgufTensor> tensors) {
    ModelConfig config = new ModelConfigReader(metadata, tensors).read();
    ModelTensorCheck.check(config, tensors);
    return config;
  }

  private ModelConfig read() {
    refuseExperts();
    boolean gemma = architecture == Architecture.GEMMA3;
    int layers = positive("block_count", LAYERS_MAX);
    int hidden = positive("embedding_length", WIDTH_MAX);
    int heads = positive("attention.head_count", HEADS_MAX);
    int kvHeads =
        metadata.contains(key("attention.head_count_kv"))
            ? positive("attention.head_count_kv", heads)
            : heads;
    if (heads % kvHeads != 0) {
      throw wrong("attention.head_count_kv", kvHeads, "a divisor of " + heads + " query heads");
    }
    int headDim = headDim(hidden, heads);
    int window = gemma ? window() : 0;
    return new ModelConfig(
        architecture,
        layers,
        hidden,
        positive("feed_forward_length", WIDTH_MAX),
        heads,
        kvHeads,
        headDim,
        vocabularySize(),
        positive("context_length", Integer.MAX_VALUE),
        positiveReal("attention.layer_norm_rms_epsilon"),
        rope(headDim),
        window,
        window == 0 ? 0 : windowPattern(layers),
        attentionScale(architecture, layers, hidden, heads, headDim),
        softcap("attn_logit_softcapping"),
        softcap("final_logit_softcapping"),
        gemma ? (float) Math.sqrt(hidden) : 1,
        gemma ? Activation.GELU_TANH : Activation.SILU,
        !tensors.containsKey(ModelTensors.OUTPUT));
  }

  private static Architecture architecture(String name) {
    for (Architecture architecture : Architecture.values()) {
      if (architecture.name().toLowerCase(Locale.ROOT).equals(name)) {
        return architecture;
      }
    }
    throw new GgufException(
        "metadata general.architecture="
            + name
            + " is not supported; supported are llama, qwen2 and gemma3");
  }

  private void refuseExperts() {
    int experts = metadata.integer(key("expert_count"), 0);
    if (experts != 0) {
      throw wrong("expert_count", experts, "0: mixtures of experts are not supported");
    }
  }

  private int headDim(int hidden, int heads) {
    int headDim;
    if (metadata.contains(key("attention.key_length"))) {
      headDim = positive("attention.key_length", HEAD_DIM_MAX);
    } else if (hidden % heads == 0) {
      headDim = hidden / heads;
    } else {
      throw wrong("embedding_length", hidden, "a multiple of " + heads + " heads");
    }
    int valueDim = metadata.integer(key("attention.value_length"), headDim);
    if (valueDim != headDim) {
      throw wrong("attention.value_length", valueDim, headDim + ", the width of a query head");
    }
    return headDim;
  }

  private int vocabularySize() {
    GgufTensor embedding = tensors.get(ModelTensors.TOKEN_EMBEDDING);
    if (embedding == null) {
      throw new GgufException("tensor " + ModelTensors.TOKEN_EMBEDDING + " is missing");
    }
    long rows = embedding.rows();
    if (rows > VOCABULARY_MAX) {
      throw new GgufException(
          "tensor " + embedding.name() + " has " + rows + " rows, at most " + VOCABULARY_MAX);
    }
    int stated = metadata.integer(key("vocab_size"), (int) rows);
    if (stated != rows) {
      throw wrong("vocab_size", stated, rows + " as " + embedding.name() + " has rows");
    }
    String tokens = "tokenizer.ggml.tokens";
    if (metadata.contains(tokens) && metadata.strings(tokens).size() != rows) {
      throw new GgufException(
          "metadata "
              + tokens
              + " has "
              + metadata.strings(tokens).size()
              + " entries, but "
              + embedding.name()
              + " has "
              + rows
              + " rows");
    }
    return (int) rows;
  }

  private int window() {
    int window = metadata.integer(key("attention.sliding_window"), 0);
    if (window < 0) {
      throw wrong("attention.sliding_window", window, "at least 0");
    }
    return window;
  }

  private int windowPattern(int layers) {
    String pattern = "attention.sliding_window_pattern";
    return metadata.contains(key(pattern)) ? positive(pattern, layers) : GEMMA3_WINDOW_PATTERN;
  }

  /** The 27B model scales by the width per head of the residual stream, the others by headDim. */
  static float attentionScale(
      Architecture architecture, int layers, int hidden, int heads, int headDim) {
    boolean gemma27b =
        architecture == Architecture.GEMMA3
            && heads == GEMMA3_27B_HEADS
            && layers == GEMMA3_27B_LAYERS;
    return (float) (1 / Math.sqrt(gemma27b ? hidden / heads : headDim));
  }

  private Rope rope(int headDim) {
    String dimensionCount = "rope.dimension_count";
    int dimensions =
        metadata.contains(key(dimensionCount)) ? positive(dimensionCount, headDim) : headDim;
    if (dimensions % 2 != 0) {
      throw wrong(dimensionCount, dimensions, "an even number");
    }
    float freqBase = freqBase("rope.freq_base", FREQ_BASE_DEFAULT);
    float localFreqBase =
        architecture == Architecture.GEMMA3
            ? freqBase("rope.freq_base_swa", freqBase("rope.local.freq_base", FREQ_BASE_DEFAULT))
            : freqBase;
    boolean halfSplit = architecture != Architecture.LLAMA;
    return new Rope(dimensions, freqBase, localFreqBase, 1 / linearFactor(), halfSplit);
  }

  private float freqBase(String name, float defaultValue) {
    return metadata.contains(key(name)) ? positiveReal(name) : defaultValue;
  }

  /** Positions are divided by this. A factor without a type is linear; 0 stands for none. */
  private float linearFactor() {
    String typeKey = key("rope.scaling.type");
    String type = metadata.optionalString(typeKey).orElse("linear");
    if (type.equals("none")) {
      return 1;
    }
    if (!type.equals("linear")) {
      throw new GgufException(
          "metadata " + typeKey + "=" + type + " is not supported, only linear and none are");
    }
    String name = "rope.scaling.factor";
    if (!metadata.contains(key(name))) {
      name = "rope.scale_linear"; // its name before GGUF had scaling types
    }
    float factor = metadata.real(key(name), 1);
    return factor == 0 ? 1 : positiveReal(name, factor);
  }

  private float softcap(String name) {
    float cap = metadata.real(key(name), 0);
    return cap == 0 ? 0 : positiveReal(name, cap);
  }

  private int positive(String name, int max) {
    int value = metadata.integer(key(name));
    if (value < 1 || value > max) {
      throw wrong(name, value, "1 to " + max);
    }
    return value;
  }

  private float positiveReal(String name) {
    return positiveReal(name, metadata.real(key(name)));
  }

  private float positiveReal(String name, float value) {
    if (!(value > 0 && value < Float.POSITIVE_INFINITY)) {
      throw wrong(name, value, "a positive number");
    }
    return value;
  }

  private String key(String name) {
    return architecture.name().toLowerCase(Locale.ROOT) + "." + name;
  }

  private GgufException wrong(String name, Object value, String expected) {
    return new GgufException("metadata " + key(name) + "=" + value + ", expected " + expected);
  }
}
