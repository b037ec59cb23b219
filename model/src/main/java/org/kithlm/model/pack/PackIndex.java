package org.kithlm.model.pack;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelTensors;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.gguf.GgufFile;
import org.kithlm.model.gguf.GgufTensor;
import org.kithlm.model.shard.ShardUnits;
import org.kithlm.model.weight.RowGroups;
import org.kithlm.model.weight.TensorRole;

/**
 * What is where in a pack, as JSON. Offsets count from the start of the body.
 *
 * @param config hyperparameters
 * @param units how the model may be cut
 * @param metadataPairCount pairs in the metadata section
 * @param metadata the GGUF file's key-value section, verbatim
 * @param common the vectors that every rank loads
 * @param vectors what {@code common} consists of
 * @param tensors embedding, then the split matrices in execution order
 * @param bodyBytes length of the body, whole 4 KiB units
 */
record PackIndex(
    ModelConfig config,
    ShardUnits units,
    int metadataPairCount,
    PackSection metadata,
    PackSection common,
    List<PackVector> vectors,
    List<PackTensor> tensors,
    long bodyBytes) {

  /** Rows of embedding and LM head are cut into pieces of about this size. */
  private static final int ROW_PIECE_BYTES = 256 * 1024;

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .build();

  PackIndex {
    vectors = List.copyOf(vectors);
    tensors = List.copyOf(tensors);
  }

  /** Lays out a pack for a model; all checks are 0. */
  static PackIndex layOut(GgufFile gguf, ModelConfig config) {
    ShardUnits units =
        ShardUnits.of(
            config,
            types(gguf, config, TensorRole.ATTN_OUTPUT),
            types(gguf, config, TensorRole.FFN_DOWN));
    PackSection metadata = PackSection.unchecked(0, gguf.metadataSection().lengthBytes());
    List<PackVector> vectors = layOutVectors(gguf, config);
    PackVector last = vectors.getLast();
    PackSection common =
        PackSection.unchecked(
            PackFormat.aligned(metadata.lengthBytes()),
            last.offsetBytes() + last.type().bytes(last.length()));
    long offset = PackFormat.aligned(common.offsetBytes() + common.lengthBytes());
    List<PackTensor> tensors = new ArrayList<>();
    for (Matrix matrix : matrices(config)) {
      PackTensor tensor = layOutMatrix(gguf, config, units, matrix, offset);
      tensors.add(tensor);
      offset = PackFormat.aligned(offset + tensor.lengthBytes());
    }
    return new PackIndex(
        config,
        units,
        gguf.metadataSection().pairCount(),
        metadata,
        common,
        vectors,
        tensors,
        offset);
  }

  private record Matrix(String name, TensorRole role) {}

  /** The embedding is looked up by row like the LM head, and is the LM head where it is tied. */
  private static List<Matrix> matrices(ModelConfig config) {
    List<Matrix> matrices = new ArrayList<>();
    matrices.add(new Matrix(ModelTensors.TOKEN_EMBEDDING, TensorRole.LM_HEAD));
    for (int layer = 0; layer < config.layerCount(); layer++) {
      for (TensorRole role : TensorRole.values()) {
        if (role != TensorRole.LM_HEAD) {
          matrices.add(new Matrix(ModelTensors.matrix(config, role, layer), role));
        }
      }
    }
    if (!config.tiedEmbedding()) {
      matrices.add(new Matrix(ModelTensors.OUTPUT, TensorRole.LM_HEAD));
    }
    return matrices;
  }

  /** Whole groups, so that only the last piece of the matrix has padding. */
  private static long rowsOfPiece(GgmlType type, int columns) {
    long groupBytes = RowGroups.ROWS * type.bytes(columns);
    return Math.max(1, ROW_PIECE_BYTES / groupBytes) * RowGroups.ROWS;
  }

  private static PackTensor layOutMatrix(
      GgufFile gguf, ModelConfig config, ShardUnits units, Matrix matrix, long offsetBytes) {
    GgmlType type = tensor(gguf, matrix.name).type();
    int rows = ModelTensors.rows(config, matrix.role);
    int columns = ModelTensors.columns(config, matrix.role);
    int headDim = config.headDim();
    int pieceRows =
        switch (matrix.role) {
          case ATTN_Q -> units.headsPerUnit() * headDim;
          case ATTN_K, ATTN_V -> headDim;
          case FFN_GATE, FFN_UP -> units.ffnColumnsPerUnit();
          case ATTN_OUTPUT, FFN_DOWN -> rows;
          case LM_HEAD -> Math.clamp(rowsOfPiece(type, columns), 1, rows);
        };
    int pieceColumns =
        switch (matrix.role) {
          case ATTN_OUTPUT -> units.headsPerUnit() * headDim;
          case FFN_DOWN -> units.ffnColumnsPerUnit();
          case ATTN_Q, ATTN_K, ATTN_V, FFN_GATE, FFN_UP, LM_HEAD -> columns;
        };
    return PackTensor.unchecked(
        matrix.name, type, rows, columns, pieceRows, pieceColumns, offsetBytes);
  }

  private static List<PackVector> layOutVectors(GgufFile gguf, ModelConfig config) {
    Map<String, Integer> lengths = ModelTensors.vectors(config);
    if (gguf.tensors().containsKey(ModelTensors.ROPE_FREQS)) {
      lengths.put(ModelTensors.ROPE_FREQS, config.rope().dimensions() / 2);
    }
    List<PackVector> vectors = new ArrayList<>();
    long offset = 0;
    for (Map.Entry<String, Integer> entry : lengths.entrySet()) {
      GgmlType type = tensor(gguf, entry.getKey()).type();
      vectors.add(new PackVector(entry.getKey(), type, entry.getValue(), offset));
      offset += type.bytes(entry.getValue());
    }
    return vectors;
  }

  private static List<GgmlType> types(GgufFile gguf, ModelConfig config, TensorRole role) {
    List<GgmlType> types = new ArrayList<>();
    for (int layer = 0; layer < config.layerCount(); layer++) {
      types.add(tensor(gguf, ModelTensors.matrix(config, role, layer)).type());
    }
    return types;
  }

  private static GgufTensor tensor(GgufFile gguf, String name) {
    GgufTensor tensor = gguf.tensors().get(name);
    if (tensor == null) {
      throw new AssertionError(name + " passed the check of the model's tensors but is missing");
    }
    return tensor;
  }

  /** The same places with the checks that became known while writing. */
  PackIndex withChecks(int metadataCrc, int commonCrc, List<PackTensor> checkedTensors) {
    return new PackIndex(
        config,
        units,
        metadataPairCount,
        metadata.withCheck(metadataCrc),
        common.withCheck(commonCrc),
        vectors,
        checkedTensors,
        bodyBytes);
  }

  byte[] toJson() throws JsonProcessingException {
    return JSON.writeValueAsBytes(this);
  }

  /**
   * Parses an index and checks that everything in it lies inside the body.
   *
   * @throws IOException if it is not such an index
   */
  static PackIndex ofJson(byte[] json) throws IOException {
    PackIndex index = JSON.readValue(json, PackIndex.class);
    index.requireInBody("metadata", index.metadata.offsetBytes(), index.metadata.lengthBytes());
    index.requireInBody("common", index.common.offsetBytes(), index.common.lengthBytes());
    for (PackVector vector : index.vectors) {
      long lengthBytes = vector.type().bytes(vector.length());
      if (vector.offsetBytes() > index.common.lengthBytes() - lengthBytes) {
        throw new IOException(vector + " lies outside of its section");
      }
    }
    for (PackTensor tensor : index.tensors) {
      index.requireInBody(tensor.name(), tensor.offsetBytes(), tensor.lengthBytes());
    }
    return index;
  }

  /** All matrices by name. */
  Map<String, PackTensor> tensorsByName() {
    Map<String, PackTensor> byName = new HashMap<>();
    tensors.forEach(tensor -> byName.put(tensor.name(), tensor));
    return byName;
  }

  private void requireInBody(String name, long offsetBytes, long lengthBytes) throws IOException {
    if (offsetBytes < 0 || lengthBytes < 0 || offsetBytes > bodyBytes - lengthBytes) {
      throw new IOException(name + " lies outside of the body");
    }
  }
}
