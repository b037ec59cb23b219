package org.kithlm.model.pack;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelTensors;
import org.kithlm.model.gguf.GgufMetadata;
import org.kithlm.model.gguf.GgufSection;
import org.kithlm.model.kernel.ScalarDequantizer;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.shard.ShardUnits;
import org.kithlm.model.weight.TensorRole;
import org.kithlm.model.weight.Tile;

/**
 * An open pack file. Opening checks prologue, index and common vectors; metadata and embedding are
 * checked when they are read, tiles by whoever reads them ({@link Tile#checks()}). A local pack
 * with holes outside of {@link #runs} opens like a whole one.
 */
public final class Pack implements AutoCloseable {
  private final Path path;
  private final FileChannel channel;
  private final String id;
  private final long bodyOffsetBytes;
  private final PackIndex index;
  private final PackTiles tiles;
  private final Map<String, float[]> vectors;

  private Pack(Path path, FileChannel channel) throws IOException {
    this.path = path;
    this.channel = channel;
    byte[] prologueBytes = readStart(0, PackFormat.PROLOGUE_BYTES, "prologue");
    PackFormat.Prologue prologue = PackFormat.parse(prologueBytes, path.toString());
    if (channel.size() != prologue.fileBytes()) {
      throw damaged(
          "expected " + prologue.fileBytes() + " bytes, but the file has " + channel.size());
    }
    byte[] json = readStart(PackFormat.PROLOGUE_BYTES, prologue.indexBytes(), "index");
    if (PackFormat.crc32c(json, json.length) != prologue.indexCrc()) {
      throw damaged("the index is damaged");
    }
    id = sha256(prologueBytes, json);
    bodyOffsetBytes = PackFormat.bodyOffsetBytes(json.length);
    index = parse(json);
    if (bodyOffsetBytes + index.bodyBytes() != prologue.fileBytes()) {
      throw damaged("the index describes " + index.bodyBytes() + " bytes of another file");
    }
    tiles = new PackTiles(index, bodyOffsetBytes);
    vectors = readVectors();
  }

  /**
   * Opens a pack.
   *
   * @throws PackException if it is damaged, truncated or of another version; the message names the
   *     pack and the section
   * @throws IOException if it cannot be read
   */
  public static Pack open(Path path) throws IOException {
    FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
    try {
      return new Pack(path, channel);
    } catch (IOException | RuntimeException | Error e) {
      channel.close();
      throw e;
    }
  }

  /** The file. */
  public Path path() {
    return path;
  }

  /**
   * Identifies the model: SHA-256 over prologue and index, in hexadecimal. The index holds the
   * CRC32C of everything else, so equal ids mean equal packs and no start needs to hash the whole
   * file.
   */
  public String id() {
    return id;
  }

  /** Hyperparameters. */
  public ModelConfig config() {
    return index.config();
  }

  /** How the model may be cut. */
  public ShardUnits units() {
    return index.units();
  }

  /** Rows of the output head that stay together where ranks share it. */
  public int headRowsPerUnit() {
    ModelConfig config = index.config();
    return tiles
        .tensor(ModelTensors.matrix(config, TensorRole.LM_HEAD, config.layerCount()))
        .pieceRows();
  }

  /**
   * The metadata of the GGUF file, with the tokenizer. Read anew at each call, as it is large and
   * only the root needs it, once.
   *
   * @throws PackException if it is damaged
   * @throws IOException if it cannot be read
   */
  public GgufMetadata metadata() throws IOException {
    requireIntact(index.metadata(), "metadata");
    GgufSection section =
        new GgufSection(
            bodyOffsetBytes + index.metadata().offsetBytes(),
            index.metadata().lengthBytes(),
            index.metadataPairCount());
    return section.read(channel, path.toString());
  }

  /** Norms, biases and rope_freqs, whole, by their GGUF names. */
  public Map<String, float[]> vectors() {
    return vectors;
  }

  /** The embedding matrix, read from this pack; it ends with the pack. */
  public EmbeddingTable embedding() {
    return new EmbeddingTable(
        channel,
        path.toString(),
        tiles.tensor(ModelTensors.TOKEN_EMBEDDING),
        bodyOffsetBytes,
        embeddingRows());
  }

  /** How rows of the embedding matrix go to ranks whose packs do not have it. */
  public EmbeddingRows embeddingRows() {
    PackTensor tensor = tiles.tensor(ModelTensors.TOKEN_EMBEDDING);
    return new EmbeddingRows(tensor.type(), tensor.columns());
  }

  /**
   * A rank's tiles in execution order, about 2 MiB each.
   *
   * @throws IllegalArgumentException if the shard does not consist of whole {@link #units()}
   */
  public List<Tile> tiles(RankShard shard) {
    return tiles.of(shard);
  }

  /**
   * All bytes that a rank needs, in file order, neighbours merged: start, common vectors and its
   * tiles; the root also needs metadata and embedding.
   */
  public List<PackRun> runs(RankShard shard) {
    return tiles.runs(shard);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private byte[] readStart(long offsetBytes, int lengthBytes, String section) throws IOException {
    if (channel.size() < offsetBytes + lengthBytes) {
      throw damaged(
          "expected at least "
              + (offsetBytes + lengthBytes)
              + " bytes for the "
              + section
              + ", but the file has "
              + channel.size());
    }
    byte[] bytes = new byte[lengthBytes];
    PackFormat.readFully(channel, path.toString(), ByteBuffer.wrap(bytes), offsetBytes);
    return bytes;
  }

  private PackIndex parse(byte[] json) {
    try {
      return PackIndex.ofJson(json);
    } catch (IOException e) {
      throw new PackException(path + ": the index is not understood: " + e.getMessage(), e);
    }
  }

  private Map<String, float[]> readVectors() throws IOException {
    byte[] bytes = requireIntact(index.common(), "common section");
    Map<String, float[]> read = new LinkedHashMap<>();
    for (PackVector vector : index.vectors()) {
      float[] values = new float[vector.length()];
      ScalarDequantizer.dequantize(
          vector.type(),
          MemorySegment.ofArray(bytes),
          vector.offsetBytes(),
          values,
          0,
          values.length);
      read.put(vector.name(), values);
    }
    return Collections.unmodifiableMap(read);
  }

  private byte[] requireIntact(PackSection section, String name) throws IOException {
    byte[] bytes = new byte[Math.toIntExact(section.lengthBytes())];
    PackFormat.readFully(
        channel, path.toString(), ByteBuffer.wrap(bytes), bodyOffsetBytes + section.offsetBytes());
    if (!section.matches(PackFormat.crc32c(bytes, bytes.length))) {
      throw damaged("the " + name + " is damaged");
    }
    return bytes;
  }

  private PackException damaged(String problem) {
    return new PackException(path + ": " + problem + "; make or fetch the pack again");
  }

  private static String sha256(byte[] first, byte[] second) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(first);
      return HexFormat.of().formatHex(digest.digest(second));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
