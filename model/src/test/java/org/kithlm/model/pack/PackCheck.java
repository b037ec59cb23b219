package org.kithlm.model.pack;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.CRC32C;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelTensors;
import org.kithlm.model.gguf.GgufFile;
import org.kithlm.model.gguf.GgufTensor;
import org.kithlm.model.kernel.ScalarDequantizer;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.shard.ShardPlan;
import org.kithlm.model.weight.RowGroups;
import org.kithlm.model.weight.ShardLayout;
import org.kithlm.model.weight.TensorRole;
import org.kithlm.model.weight.Tile;

/** Compares a pack with the GGUF file that it was made from. */
final class PackCheck {
  private final GgufFile gguf;
  private final FileChannel ggufChannel;
  private final Pack pack;
  private final FileChannel packChannel;
  private final int rowStep;

  /** Looks at every {@code rowStep}-th row of each tile only. */
  private PackCheck(
      GgufFile gguf, FileChannel ggufChannel, Pack pack, FileChannel packChannel, int rowStep) {
    this.gguf = gguf;
    this.ggufChannel = ggufChannel;
    this.pack = pack;
    this.packChannel = packChannel;
    this.rowStep = rowStep;
  }

  static void check(GgufFile gguf, Pack pack, int worldSizeMax, int rowStep) throws IOException {
    try (FileChannel ggufChannel = FileChannel.open(gguf.path());
        FileChannel packChannel = FileChannel.open(pack.path())) {
      PackCheck check = new PackCheck(gguf, ggufChannel, pack, packChannel, rowStep);
      check.checkVectors();
      check.checkEmbedding();
      for (int worldSize = 1; worldSize <= worldSizeMax; worldSize++) {
        ShardPlan plan = ShardPlan.equal(pack.config(), pack.units(), worldSize);
        check.checkShards(plan);
        double[] shares = new double[worldSize];
        Arrays.fill(shares, 1);
        check.checkShards(plan.sharingHead(pack.headRowsPerUnit(), shares));
      }
    }
  }

  private void checkVectors() throws IOException {
    for (GgufTensor tensor : gguf.tensors().values()) {
      if (tensor.dimensions().size() == 1) {
        int length = (int) tensor.columns();
        float[] expected = new float[length];
        byte[] bytes = read(ggufChannel, tensor.offsetBytes(), (int) tensor.lengthBytes());
        ScalarDequantizer.dequantize(
            tensor.type(), MemorySegment.ofArray(bytes), 0, expected, 0, length);
        assertArrayEquals(expected, pack.vectors().get(tensor.name()), tensor.name());
      }
    }
  }

  private void checkEmbedding() throws IOException {
    GgufTensor tensor = tensor(ModelTensors.TOKEN_EMBEDDING);
    int columns = (int) tensor.columns();
    int rowBytes = (int) tensor.type().bytes(columns);
    EmbeddingTable embedding = pack.embedding();
    EmbeddingRows rows = pack.embeddingRows();
    for (int token = 0; token < tensor.rows(); token += rowStep) {
      byte[] row = read(ggufChannel, tensor.offsetBytes() + (long) token * rowBytes, rowBytes);
      float[] expected = new float[columns];
      ScalarDequantizer.dequantize(
          tensor.type(), MemorySegment.ofArray(row), 0, expected, 0, columns);
      float[] actual = new float[columns];
      embedding.row(token, actual, 0);
      rows.expand(actual, 1, 1);
      assertArrayEquals(expected, actual, "token=" + token);
    }
  }

  /** All tiles equal the GGUF's bytes, and together they cover each matrix exactly once. */
  private void checkShards(ShardPlan plan) throws IOException {
    ModelConfig config = pack.config();
    Map<String, Long> covered = new HashMap<>();
    int endKvHead = 0;
    for (int rank = 0; rank < plan.worldSize(); rank++) {
      RankShard shard = plan.shard(rank);
      List<Tile> tiles = pack.tiles(shard);
      checkLayout(shard, new ShardLayout(tiles, config.layerCount()));
      for (Tile tile : tiles) {
        checkTile(tile);
        if (!isKv(tile.role())) { // two ranks may hold the same KV head
          covered.merge(
              ModelTensors.matrix(config, tile.role(), tile.layer()),
              (long) tile.rowCount() * tile.columnCount(),
              Long::sum);
        }
      }
      checkRuns(shard, tiles);
      endKvHead = Math.max(endKvHead, shard.firstKvHead() + shard.kvHeadCount());
    }
    // Each tile lies at its own place and runs do not overlap, so equal sums mean once each.
    covered.forEach(
        (name, n) -> assertEquals(tensor(name).rows() * tensor(name).columns(), n, name));
    int matrices = config.layerCount() * (TensorRole.values().length - 1) + 1;
    assertEquals(matrices - 2 * config.layerCount(), covered.size());
    assertEquals(config.kvHeadCount(), endKvHead);
  }

  private static boolean isKv(TensorRole role) {
    return role == TensorRole.ATTN_K || role == TensorRole.ATTN_V;
  }

  /** Tiles of a matrix follow one another and cover what the shard says. */
  private void checkLayout(RankShard shard, ShardLayout layout) {
    ModelConfig config = pack.config();
    int headDim = config.headDim();
    for (int layer = 0; layer < config.layerCount(); layer++) {
      int width = shard.headCount() * headDim;
      int kvWidth = shard.kvHeadCount() * headDim;
      int ffn = shard.ffnColumnCount();
      checkMatrix(layout, layer, TensorRole.ATTN_Q, shard.firstHead() * headDim, width);
      checkMatrix(layout, layer, TensorRole.ATTN_K, shard.firstKvHead() * headDim, kvWidth);
      checkMatrix(layout, layer, TensorRole.ATTN_V, shard.firstKvHead() * headDim, kvWidth);
      checkMatrix(layout, layer, TensorRole.ATTN_OUTPUT, shard.firstHead() * headDim, width);
      checkMatrix(layout, layer, TensorRole.FFN_GATE, shard.firstFfnColumn(), ffn);
      checkMatrix(layout, layer, TensorRole.FFN_UP, shard.firstFfnColumn(), ffn);
      checkMatrix(layout, layer, TensorRole.FFN_DOWN, shard.firstFfnColumn(), ffn);
    }
    int head = config.layerCount();
    checkMatrix(layout, head, TensorRole.LM_HEAD, shard.firstLogit(), shard.logitCount());
  }

  private static void checkMatrix(
      ShardLayout layout, int layer, TensorRole role, int first, int count) {
    boolean byColumn = role.split() == TensorRole.Split.COLUMNS;
    int next = first;
    for (int i = layout.firstTile(layer, role); i < layout.endTile(layer, role); i++) {
      Tile tile = layout.tiles().get(i);
      assertEquals(role, tile.role());
      assertEquals(layer, tile.layer());
      assertEquals(next, byColumn ? tile.firstColumn() : tile.firstRow(), tile::toString);
      next += byColumn ? tile.columnCount() : tile.rowCount();
    }
    assertEquals(first + count, next, role + " layer=" + layer);
  }

  private void checkTile(Tile tile) throws IOException {
    GgufTensor tensor = tensor(ModelTensors.matrix(pack.config(), tile.role(), tile.layer()));
    byte[] bytes = read(packChannel, tile.offsetBytes(), tile.lengthBytes());
    checkPieces(tile, bytes);
    assertEquals(tensor.type(), tile.type());
    long rowBytes = tensor.type().bytes(tensor.columns());
    int panelRowBytes = tile.groupBytes() / RowGroups.ROWS;
    byte[] packed = new byte[panelRowBytes];
    for (int row = 0; row < tile.rowCount(); row += rowStep) {
      byte[] source =
          read(
              ggufChannel,
              tensor.offsetBytes()
                  + (tile.firstRow() + row) * rowBytes
                  + tensor.type().bytes(tile.firstColumn()),
              (int) tensor.type().bytes(tile.columnCount()));
      for (int panel = 0; panel < tile.panelCount(); panel++) {
        int start = panel * tile.panelStrideBytes() + row / RowGroups.ROWS * tile.groupBytes();
        byte[] group = Arrays.copyOfRange(bytes, start, start + tile.groupBytes());
        RowGroups.of(tile.type()).extract(group, row % RowGroups.ROWS, panelRowBytes, packed);
        assertArrayEquals(
            Arrays.copyOfRange(source, panel * panelRowBytes, (panel + 1) * panelRowBytes),
            packed,
            tile.role() + " layer=" + tile.layer() + " row=" + row + " panel=" + panel);
      }
    }
  }

  private static void checkPieces(Tile tile, byte[] bytes) {
    int offset = 0;
    for (Tile.PieceCheck piece : tile.checks()) {
      CRC32C crc = new CRC32C();
      crc.update(bytes, offset, piece.lengthBytes());
      assertEquals(piece.crc32c(), (int) crc.getValue(), tile::toString);
      offset += piece.lengthBytes();
    }
    assertEquals(bytes.length, offset, tile::toString);
  }

  /** Runs are in order, apart and inside the file, and hold every tile. */
  private void checkRuns(RankShard shard, List<Tile> tiles) throws IOException {
    List<PackRun> runs = pack.runs(shard);
    for (int i = 1; i < runs.size(); i++) {
      assertTrue(runs.get(i).offsetBytes() > runs.get(i - 1).endBytes(), shard::toString);
    }
    assertTrue(runs.getLast().endBytes() <= packChannel.size(), shard::toString);
    for (Tile tile : tiles) {
      assertTrue(
          runs.stream()
              .anyMatch(
                  run ->
                      run.offsetBytes() <= tile.offsetBytes()
                          && tile.offsetBytes() + tile.lengthBytes() <= run.endBytes()),
          tile::toString);
    }
  }

  private GgufTensor tensor(String name) {
    return Objects.requireNonNull(gguf.tensors().get(name), name);
  }

  private static byte[] read(FileChannel channel, long offsetBytes, int lengthBytes)
      throws IOException {
    byte[] bytes = new byte[lengthBytes];
    PackFormat.readFully(channel, "test file", ByteBuffer.wrap(bytes), offsetBytes);
    return bytes;
  }
}
