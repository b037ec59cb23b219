package org.kithlm.model.config;

/**
 * Hyperparameters of a decoder-only transformer.
 *
 * @param architecture which family the tensors belong to
 * @param layerCount transformer layers
 * @param hiddenSize width of the residual stream
 * @param ffnSize inner width of the FFN
 * @param headCount query heads
 * @param kvHeadCount key and value heads, a divisor of {@code headCount}
 * @param headDim width of one head
 * @param vocabularySize tokens
 * @param contextLength positions that the model was made for
 * @param rmsEpsilon added to the mean square before the root
 * @param rope rotary position embedding
 * @param slidingWindow attention span of local layers in positions, 0 where all layers are global
 * @param slidingWindowPattern every n-th layer is global, the others local; 0 where all are global
 * @param attentionScale factor on query-key products
 * @param attentionSoftcap tanh cap on attention scores, 0 for none
 * @param logitSoftcap tanh cap on logits, 0 for none
 * @param embeddingScale factor on embedding rows
 * @param activation of the FFN gate
 * @param tiedEmbedding whether the output head is the embedding matrix
 */
public record ModelConfig(
    Architecture architecture,
    int layerCount,
    int hiddenSize,
    int ffnSize,
    int headCount,
    int kvHeadCount,
    int headDim,
    int vocabularySize,
    int contextLength,
    float rmsEpsilon,
    Rope rope,
    int slidingWindow,
    int slidingWindowPattern,
    float attentionScale,
    float attentionSoftcap,
    float logitSoftcap,
    float embeddingScale,
    Activation activation,
    boolean tiedEmbedding) {

  /** Model families by their GGUF name. */
  public enum Architecture {
    /** Llama and its kin (SmolLM2, Mistral). */
    LLAMA,
    /** Qwen2 and Qwen2.5: biases on q, k and v. */
    QWEN2,
    /** Gemma 3 text: QK norm, norms after the blocks, local and global layers. */
    GEMMA3
  }

  /** FFN gate functions. */
  public enum Activation {
    /** x * sigmoid(x). */
    SILU,
    /** GELU, tanh approximation. */
    GELU_TANH
  }

  /**
   * Rotary position embedding. Llama-3 scaling comes as the tensor {@code rope_freqs.weight}, which
   * divides each frequency.
   *
   * @param dimensions rotated elements of a head, even
   * @param freqBase base of the frequencies (global layers)
   * @param localFreqBase base in local layers
   * @param scale factor on the positions of global layers (1 / linear scaling factor)
   * @param halfSplit whether element i pairs with i + dimensions/2 (NeoX) or with its neighbour
   */
  public record Rope(
      int dimensions, float freqBase, float localFreqBase, float scale, boolean halfSplit) {}

  /** Whether a layer attends to all earlier positions. */
  public boolean isGlobalLayer(int layer) {
    return slidingWindowPattern == 0 || (layer + 1) % slidingWindowPattern == 0;
  }
}
