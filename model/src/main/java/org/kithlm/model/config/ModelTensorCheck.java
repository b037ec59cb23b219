package org.kithlm.model.config;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.gguf.GgufException;
import org.kithlm.model.gguf.GgufTensor;
import org.kithlm.model.weight.TensorRole;

/** Compares the tensors of a file with those that its hyperparameters call for. */
final class ModelTensorCheck {
  private final ModelConfig config;
  private final Map<String, GgufTensor> tensors;
  private final Set<String> expected = new HashSet<>();

  private ModelTensorCheck(ModelConfig config, Map<String, GgufTensor> tensors) {
    this.config = config;
    this.tensors = tensors;
  }

  /**
   * Checks that every tensor is there, has the right shape and that there is no other: a tensor
   * that the forward pass would leave out makes answers wrong.
   *
   * @throws GgufException naming the tensor and both shapes
   */
  static void check(ModelConfig config, Map<String, GgufTensor> tensors) {
    new ModelTensorCheck(config, tensors).check();
  }

  private void check() {
    long hidden = config.hiddenSize();
    checkShape(ModelTensors.TOKEN_EMBEDDING, List.of(hidden, (long) config.vocabularySize()));
    for (int layer = 0; layer < config.layerCount(); layer++) {
      for (TensorRole role : TensorRole.values()) {
        checkShape(
            ModelTensors.matrix(config, role, layer),
            List.of(
                (long) ModelTensors.columns(config, role), (long) ModelTensors.rows(config, role)));
      }
    }
    ModelTensors.vectors(config).forEach(this::checkVector);
    if (tensors.containsKey(ModelTensors.ROPE_FREQS)) {
      checkVector(ModelTensors.ROPE_FREQS, config.rope().dimensions() / 2);
    }
    for (String name : tensors.keySet()) {
      if (!expected.contains(name)) {
        throw new GgufException(
            "tensor "
                + name
                + " is not part of a "
                + config.architecture().name().toLowerCase(Locale.ROOT)
                + " model as KithLM runs it; this variant is not supported");
      }
    }
  }

  private void checkVector(String name, int length) {
    GgmlType type = checkShape(name, List.of((long) length)).type();
    if (type.blockLength() != 1) {
      throw new GgufException("tensor " + name + " is " + type + ", expected F32, F16 or BF16");
    }
  }

  private GgufTensor checkShape(String name, List<Long> dimensions) {
    expected.add(name);
    GgufTensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new GgufException("tensor " + name + " is missing");
    }
    if (!tensor.dimensions().equals(dimensions)) {
      throw new GgufException(
          "tensor " + name + " has dimensions " + tensor.dimensions() + ", expected " + dimensions);
    }
    return tensor;
  }
}
